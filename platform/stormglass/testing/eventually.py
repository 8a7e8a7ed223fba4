"""Waiting for something to become true, instead of sleeping and hoping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(ask: Callable[[], T | None], *, seconds: float = 30.0, every: float = 0.1, what: str = "") -> T:
    """The first truthy answer of `ask`; an exception it raises counts as "not yet".

    Raises:
        AssertionError: nothing truthy within `seconds`; it tells the last answer or the last exception.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            answer = ask()
            if answer:
                return answer
            last = f"last answer: {answer!r}"
        except Exception as error:  # noqa: BLE001 - whatever is raised is reported when the time is up
            last = f"last error: {type(error).__name__}: {error}"
        if time.monotonic() > end:
            raise AssertionError(f"{what or getattr(ask, '__name__', 'it')} not within {seconds:g} s; {last}")
        time.sleep(every)
