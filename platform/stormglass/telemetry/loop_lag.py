"""How late a process' event loop is: what every request in it waits, whatever it waits for besides."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from stormglass.telemetry import names

EVERY_SECONDS = 0.25
"""Often enough to meet a stall of a tenth of a second within a scrape's interval, for a few µs each."""


@asynccontextmanager
async def loop_lag() -> AsyncIterator[None]:
    """Observe the lag of the running loop while the block runs."""
    task = asyncio.create_task(_observe(), name="event loop lag")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _observe() -> None:
    loop = asyncio.get_running_loop()
    histogram = names.EVENT_LOOP_LAG.histogram()
    while True:
        due = loop.time() + EVERY_SECONDS
        await asyncio.sleep(EVERY_SECONDS)
        histogram.observe(max(0.0, loop.time() - due))
