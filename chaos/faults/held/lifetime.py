"""How long such a program lives: until its parent is gone or its time is up, whatever it is busy with."""

import json
import os
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

LOOK_SECONDS = 0.1
"""Between two looks at the parent and the clock."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the program was started for; `parent` is a process id, `expires_at` seconds since the epoch."""

    fault_id: str
    parent: int
    expires_at: float
    values: dict[str, Any]


def begin() -> Order:
    """Read the order from the command line; from now on the process ends when it should."""
    _, fault_id, parent, expires_at, values = sys.argv
    order = Order(fault_id, int(parent), float(expires_at), json.loads(values))
    threading.Thread(target=_watch, args=(order,), daemon=True).start()
    return order


def _watch(order: Order) -> None:
    while os.getppid() == order.parent and time.time() < order.expires_at:
        time.sleep(LOOK_SECONDS)
    os._exit(0)  # whatever the main thread holds is let go by the kernel, also where it would not listen


def ready(text: str = "") -> None:
    """Tell whoever waits that the fault is in place."""
    print(f"ready {text}".strip(), flush=True)  # noqa: T201 - standard output is how the two speak


def hold() -> None:
    """Do nothing until the end."""
    while True:
        time.sleep(3600)
