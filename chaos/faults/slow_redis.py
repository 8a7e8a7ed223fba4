"""A slow Redis: pauses in which it answers nobody."""

import asyncio
import time

from chaos.engine.attributes import Attribute
from chaos.engine.context import Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record, Request
from chaos.faults import holder
from chaos.faults.redis import OfRedis


class Slow(OfRedis):
    """Paused again and again (CLIENT PAUSE); in between it answers at its usual speed."""

    name = "slow"
    summary = "answers nobody for `delay`, once every `every`"
    attributes = (
        Attribute("delay", "length of each pause", unit="ms", default=400, minimum=10, maximum=2500),
        Attribute("every", "from one pause to the next", unit="ms", default=500, minimum=20, maximum=10_000),
    )

    async def prepare(self, context: Context, request: Request) -> Record:
        """It has to answer now."""
        async with context.redis() as redis:
            await redis.ping()
        return {}

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Start the program that pauses it."""
        await holder.start(
            context, fault, "pause", delay_ms=fault.attributes["delay"], every_ms=fault.attributes["every"]
        )
        return {}

    async def undo(self, context: Context, fault: Fault) -> None:
        """End it. A pause that has begun ends by itself: it cannot be cut short, but waited for."""
        if await asyncio.to_thread(holder.find, fault):
            await holder.end(fault)
            await asyncio.sleep(float(fault.attributes["delay"]) / 1000)

    async def bites(self, context: Context, fault: Fault) -> str:
        """The slowest of the answers during a bit more than one period."""
        delay, every = (float(fault.attributes[name]) / 1000 for name in ("delay", "every"))
        slowest, asked, end = 0.0, 0, time.monotonic() + delay + every
        async with context.redis() as redis:
            while time.monotonic() < end:
                begun = time.monotonic()
                await redis.ping()
                slowest = max(slowest, time.monotonic() - begun)
                asked += 1
                await asyncio.sleep(0.005)
        if slowest < delay / 2:
            raise NotBiting(f"the slowest of {asked} answers took {slowest * 1000:.0f} ms")
        return f"the slowest of {asked} answers took {slowest * 1000:.0f} ms"

    async def restore(self, context: Context, fault: Fault) -> bool:
        """Start the program again if it has ended with the process that had started it."""
        if await asyncio.to_thread(holder.find, fault):
            return False
        await self.apply(context, fault)
        return True


KINDS: tuple[FaultKind, ...] = (Slow(),)
