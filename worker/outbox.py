"""The worker's side of the outbox: an event is finished when everything it asks for has happened."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import text

from stormglass import settings
from stormglass.data.database import Database
from stormglass.data.outbox import CHANNEL

# Wakes the relays if an event of the same aggregate was waiting for this one.
_DONE = f"""
WITH finished AS (
    UPDATE outbox SET done_at = clock_timestamp() WHERE event_id = :event_id AND done_at IS NULL
    RETURNING id, aggregate_id
)
SELECT pg_notify('{CHANNEL}', '') FROM outbox JOIN finished USING (aggregate_id)
WHERE outbox.id > finished.id AND outbox.done_at IS NULL LIMIT 1
"""  # noqa: S608 - the channel is a constant of ours


class Outbox:
    """The database `orders`, as far as a worker may see it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def finish(self, event_id: uuid.UUID) -> None:
        """Mark an event done: no relay hands it over again. May be repeated."""
        async with self._database.transaction() as session:
            await session.execute(text(_DONE), {"event_id": event_id})


@asynccontextmanager
async def outbox_connection() -> AsyncIterator[Any]:
    """A connection of its own to the database `orders`: one that listens belongs into no pool."""
    wanted = settings.database()
    address = settings.address("postgres")
    connection = await asyncpg.connect(
        host=address.host,
        port=address.port,
        user=settings.process().service,
        password=settings.secret("database_password").get_secret_value(),
        database="orders",
        ssl=False,
        timeout=wanted.connect_timeout_seconds,
        command_timeout=wanted.statement_timeout_seconds,
        server_settings={"application_name": f"{settings.process().name}-relay"},
    )
    try:
        yield connection
    finally:
        # a polite goodbye may wait for a server that is gone
        connection.terminate()
