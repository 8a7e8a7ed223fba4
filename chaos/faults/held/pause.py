"""Make Redis slow: all of its clients are paused again and again.

A pause also holds back the command that would end it, so each is short and ends by itself: when this program is gone,
Redis is itself again after one pause at most.
"""

import asyncio
import time

from redis.exceptions import RedisError

from chaos.engine.context import Context
from chaos.faults.held.lifetime import Order, begin, ready

RETRY_SECONDS = 0.2
"""Redis may be restarted while it is slow."""


async def _run(order: Order) -> None:
    delay, every = float(order.values["delay_ms"]) / 1000, float(order.values["every_ms"]) / 1000
    context = Context(order.values["instance"])
    told = False
    while True:
        try:
            async with context.redis() as redis:
                while True:
                    await redis.execute_command("CLIENT", "PAUSE", int(delay * 1000), "ALL")
                    # counted from the answer: one that was sent too late is itself held back by the pause before it,
                    # and the next would follow without a gap in which anybody else is answered
                    begun = time.monotonic()
                    if not told:
                        ready()
                        told = True
                    await asyncio.sleep(max(0.0, begun + every - time.monotonic()))
        except (RedisError, OSError):
            if not told:
                raise
            await asyncio.sleep(RETRY_SECONDS)


def main() -> None:
    """Pause for `delay_ms`, once every `every_ms`."""
    asyncio.run(_run(begin()))


if __name__ == "__main__":
    main()
