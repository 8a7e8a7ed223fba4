"""What the service does by itself: it deletes what has ended, and reminds Redis of the latest revocations.

Postgres holds the truth about revocations. Whatever happened to Redis (away when it was told, emptied, restarted
without its last second), a round later it knows again. Every replica does both; `SKIP LOCKED` and `NX` make that
harmless.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from services.users.settings import UsersSettings
from services.users.store import endings
from stormglass.data.database import Database
from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.security.revocation import Revocations
from stormglass.service.periodic import periodically
from stormglass.telemetry.logs import logger

OUTAGES = (DependencyUnavailable, SQLAlchemyError, RedisError, OSError, TimeoutError)

_log = logger(__name__)


@asynccontextmanager
async def housekeeping(database: Database, revocations: Revocations, own: UsersSettings) -> AsyncIterator[None]:
    """Keep house while the block runs."""

    async def sweep() -> None:
        if deleted := await endings.sweep(database):
            _log.info("swept", rows=deleted)

    async def remind() -> None:
        await revocations.tell(*await endings.revoked_of_late(database))

    async with (
        periodically(sweep, name="sweep", seconds=own.sweep_seconds, expected=OUTAGES),
        periodically(remind, name="reminder", seconds=own.remind_seconds, expected=OUTAGES),
    ):
        yield
