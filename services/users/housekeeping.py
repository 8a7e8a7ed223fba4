"""What the service does by itself: it deletes what has ended, and reminds Redis of the latest revocations.

Postgres holds the truth about revocations. Whatever happened to Redis (away when it was told, emptied, restarted
without its last second), a round later it knows again. Every replica does both; `SKIP LOCKED` and `NX` make that
harmless.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from opentelemetry.instrumentation.utils import suppress_instrumentation
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from services.users.settings import UsersSettings
from services.users.store import endings
from stormglass.data.database import Database
from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.security.revocation import Revocations
from stormglass.telemetry.logs import logger

_log = logger(__name__)


@asynccontextmanager
async def housekeeping(database: Database, revocations: Revocations, own: UsersSettings) -> AsyncIterator[None]:
    """Keep house while the block runs."""

    async def sweep() -> None:
        if deleted := await endings.sweep(database):
            _log.info("swept", rows=deleted)

    async def remind() -> None:
        await revocations.tell(*await endings.revoked_of_late(database))

    tasks = [
        asyncio.create_task(_every(own.sweep_seconds, sweep), name="sweep"),
        asyncio.create_task(_every(own.remind_seconds, remind), name="reminder"),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _every(seconds: float, job: Callable[[], Awaitable[None]]) -> None:
    with suppress_instrumentation():  # a poll must not be a trace of its own every time
        while True:
            try:
                await job()
            except (DependencyUnavailable, SQLAlchemyError, RedisError, OSError, TimeoutError) as error:
                _log.warning("housekeeping failed, next time then", job=job.__name__, error=type(error).__name__)
            await asyncio.sleep(seconds)
