"""Forgetting what is too old: idempotency keys after a day, finished events after their retention."""

from contextlib import AbstractAsyncContextManager

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from services.orders.settings import orders
from stormglass.data.database import Database
from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.service.periodic import periodically
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


def sweeping(database: Database) -> AbstractAsyncContextManager[None]:
    """Sweep now and then while the block runs."""

    async def job() -> None:
        if deleted := await sweep(database):
            _log.info("swept", rows=deleted)

    outages = (DependencyUnavailable, SQLAlchemyError)
    return periodically(job, name="sweep", seconds=orders().sweep_seconds, expected=outages)
