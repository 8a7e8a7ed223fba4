"""Hold ACCESS EXCLUSIVE locks on tables: who reads or writes them waits. They are let go when the connection is."""

import asyncio
import sys

import asyncpg

from chaos.engine.context import Context
from chaos.faults.held.lifetime import Order, begin, hold, ready

ATTEMPTS = 20
WAIT_MS = 500
"""For the locks, each time: a wait that lasts would itself hold up everybody who comes after."""


async def _run(order: Order) -> None:
    tables = ", ".join(order.values["tables"])
    async with Context(order.values["instance"]).postgres(order.values["database"]) as connection:
        await connection.execute("SET idle_in_transaction_session_timeout = 0")
        await connection.execute("SELECT set_config('application_name', $1, false)", order.values["application"])
        await connection.execute(f"SET lock_timeout = {WAIT_MS}")
        for attempt in range(1, ATTEMPTS + 1):
            await connection.execute("BEGIN")
            try:
                await connection.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
                break
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
                await connection.execute("ROLLBACK")
                if attempt == ATTEMPTS:
                    sys.exit(f"the locks could not be had: {error}")
        ready()
        await asyncio.to_thread(hold)


def main() -> None:
    """Lock `tables` of `database` (quoted already) until the end."""
    asyncio.run(_run(begin()))


if __name__ == "__main__":
    main()
