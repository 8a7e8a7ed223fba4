"""The ledger of mails: one row per event, and one sender at a time.

A row in state `sending` that an earlier attempt left behind means: it may have been sent, nobody recorded it.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from stormglass.data.database import Database

State = Literal["new", "unsure", "sent"]

_LOCK = "SELECT pg_try_advisory_lock(hashtextextended(:event_id, 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended(:event_id, 0))"
_BEGIN = """
INSERT INTO mail_ledger (event_id, kind, state, message_id)
VALUES (CAST(:event_id AS uuid), :kind, 'sending', :message_id)
ON CONFLICT (event_id) DO UPDATE SET attempts = mail_ledger.attempts + 1 WHERE mail_ledger.state = 'sending'
RETURNING attempts
"""
_SENT = """
UPDATE mail_ledger SET state = 'sent', sent_at = now(), found = :found WHERE event_id = CAST(:event_id AS uuid)
"""


class SomeoneElseSends(Exception):
    """Another worker is sending this very mail now."""


class Entry:
    """One mail's row, while nobody else may touch it."""

    def __init__(self, connection: AsyncConnection, event_id: str) -> None:
        self._connection = connection
        self._event_id = event_id

    async def begin(self, kind: str, message_id: str) -> State:
        """Record that sending begins; what is known of earlier attempts."""
        attempts = await self._scalar(_BEGIN, kind=kind, message_id=message_id)
        return "sent" if attempts is None else "new" if attempts == 1 else "unsure"

    async def sent(self, *, found: bool) -> None:
        """Record that it was sent. `found`: by an earlier attempt, as the mail server told."""
        await self._connection.execute(text(_SENT), {"event_id": self._event_id, "found": found})

    async def lock(self) -> bool:
        """Keep every other worker away; the lock also ends with this connection, so a crash leaves none behind."""
        return bool(await self._scalar(_LOCK))

    async def unlock(self) -> None:
        """Let others in again."""
        await self._scalar(_UNLOCK)

    async def _scalar(self, statement: str, **values: Any) -> Any:
        return (await self._connection.execute(text(statement), {"event_id": self._event_id, **values})).scalar()


class Ledger:
    """The table `mail_ledger`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def entry(self, event_id: uuid.UUID) -> AsyncIterator[Entry]:
        """The row of one mail, locked; `SomeoneElseSends` if another worker has it."""
        async with self._database.engine.connect() as connection:
            # every statement commits by itself: what is recorded must be on disk before the mail server is spoken to
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            entry = Entry(connection, str(event_id))
            if not await entry.lock():
                raise SomeoneElseSends(f"the mail of event {event_id} is being sent by another worker")
            try:
                yield entry
            finally:
                await asyncio.shield(_let_go(connection, entry))


async def _let_go(connection: AsyncConnection, entry: Entry) -> None:
    try:
        await entry.unlock()
    except BaseException:
        # a connection that kept its lock must not go back into the pool
        await connection.invalidate()
        raise
