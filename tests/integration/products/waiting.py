"""Waiting inside the event loop, where the platform's own `eventually` would block it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(ask: Callable[[], Awaitable[T]], *, seconds: float = 30) -> T:
    """The first truthy answer of `ask`; the last one is in the failure when the time is up."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        answer = await ask()
        if answer:
            return answer
        assert asyncio.get_running_loop().time() < end, f"still {answer!r} after {seconds:g} s"
        await asyncio.sleep(0.05)
