"""What every story has around it: a platform that is up, and whole again afterwards."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout

import typer
from rich.console import Console

from chaos.keeper.client import KeeperAway, KeeperClient
from stormglass.cli.demo import is_up, run
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance, inside_a_container, load
from stormglass.runtime.status import status

WHOLE_SECONDS = 60.0


@contextmanager
def theatre(context: typer.Context, console: Console, name: str) -> Iterator[Instance]:
    """The running instance called `name`, started if it is not up, and then stopped again at the end.

    Whatever ends the block, every fault that it left is taken back, and the end is not reported before every process is
    ready again.
    """
    was_up = is_up(name) or inside_a_container()

    def command(*arguments: str) -> None:
        # a story that is told on the error stream keeps the other one for its figures
        with redirect_stdout(sys.stderr) if console.stderr else nullcontext():
            run(context, console, *arguments, "--instance", name)

    if not was_up:
        command("up")
    try:
        if not was_up:
            command("catalogue")
        instance = load(name)
        others = _faults(instance)
        if others:
            raise RuntimeFailure(
                f"something is broken on purpose already ({', '.join(others)}): `stormglass fault clear` takes it back"
            )
        _whole(instance, "before the story begins")
        try:
            yield instance
        finally:
            with KeeperClient(instance) as keeper:
                keeper.clear()
            _whole(instance, "although every fault was taken back")
    finally:
        if not was_up:
            command("down")


def _faults(instance: Instance) -> list[str]:
    try:
        with KeeperClient(instance) as keeper:
            return [f"{fault.type} on {fault.target}" for fault in keeper.live()]
    except KeeperAway as error:
        raise RuntimeFailure(str(error)) from error


def _whole(instance: Instance, when: str) -> None:
    """Wait until every process is ready; `RuntimeFailure` with the reasons if that takes too long."""
    until = time.monotonic() + WHOLE_SECONDS
    while (now := status(instance)).state != "up":
        if time.monotonic() > until:
            reasons = "; ".join(f"{row.replica}: {row.reason}" for row in now.rows if not row.ready)
            raise RuntimeFailure(f"the platform is not whole {when}: {reasons}")
        time.sleep(0.2)
