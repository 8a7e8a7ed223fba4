"""Forgetting what is too old: idempotency keys after a day, finished events after their retention."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from opentelemetry.instrumentation.utils import suppress_instrumentation
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from services.orders.settings import orders
from stormglass.data.database import Database
from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.telemetry.logs import logger

_log = logger(__name__)

# In bits, so that no statement holds locks for long or runs into its time-out.
_STATEMENTS = (
    """
    DELETE FROM idempotency_key WHERE (user_id, key) IN (
        SELECT user_id, key FROM idempotency_key
        WHERE created_at < now() - make_interval(secs => :key_seconds) LIMIT 1000 FOR UPDATE SKIP LOCKED)
    """,
    """
    DELETE FROM outbox WHERE id IN (
        SELECT id FROM outbox
        WHERE done_at < now() - make_interval(secs => :outbox_seconds) LIMIT 1000 FOR UPDATE SKIP LOCKED)
    """,
)


async def sweep(database: Database) -> int:
    """Delete everything that is too old; the number of rows."""
    kept = {"key_seconds": orders().key_seconds, "outbox_seconds": orders().outbox_seconds}
    deleted = 0
    for statement in _STATEMENTS:
        rows = 1000
        while rows == 1000:
            async with database.transaction() as session:
                result = await session.execute(text(statement).bindparams(**_used(statement, kept)))
            rows = result.rowcount  # type: ignore[attr-defined]  # a DELETE has one
            deleted += rows
    return deleted


def _used(statement: str, values: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if f":{name}" in statement}


@asynccontextmanager
async def sweeping(database: Database) -> AsyncIterator[None]:
    """Sweep now and then while the block runs."""
    task = asyncio.create_task(_for_ever(database))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _for_ever(database: Database) -> None:
    with suppress_instrumentation():
        while True:
            try:
                deleted = await sweep(database)
                if deleted:
                    _log.info("swept", rows=deleted)
            except (DependencyUnavailable, SQLAlchemyError) as error:
                _log.warning("sweep failed, next time then", error=type(error).__name__)
            await asyncio.sleep(orders().sweep_seconds)
