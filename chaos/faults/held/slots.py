"""Occupy Postgres' connections: all that are not kept for the superuser, and those that become free meanwhile."""

import asyncio
from typing import Any

import asyncpg

from chaos.engine.context import Context
from chaos.faults.held.lifetime import Order, begin, ready
from stormglass.runtime.provision import connect

EVERY_SECONDS = 0.5
"""Between two looks for a connection that has become free."""


async def _run(order: Order) -> None:
    instance = Context(order.values["instance"]).instance
    taken: list[Any] = []
    told = False
    while True:
        try:
            # as a service's role: the superuser would get the slots that are kept for whoever has to repair this
            taken.append(await connect(instance, order.values["role"], order.values["role"]))
        except asyncpg.TooManyConnectionsError:
            taken = [connection for connection in taken if not connection.is_closed()]
            if not told:
                ready(str(len(taken)))
                told = True
            await asyncio.sleep(EVERY_SECONDS)
        except (OSError, asyncpg.PostgresError):
            if not told:
                raise
            await asyncio.sleep(EVERY_SECONDS)  # the server is being restarted


def main() -> None:
    """Take every slot that the role `role` can have."""
    asyncio.run(_run(begin()))


if __name__ == "__main__":
    main()
