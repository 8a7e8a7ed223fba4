"""Jobs that were given up: kept with their reason until somebody replays them."""

import uuid
from typing import Any

import msgspec
from sqlalchemy import text

from stormglass.data.database import Database

_BURY = """
INSERT INTO dead_letter (event_id, task, payload, traceparent, error, attempts)
VALUES (:event_id, :task, CAST(:payload AS jsonb), :traceparent, :error, :attempts)
ON CONFLICT (event_id) DO UPDATE
SET error = excluded.error, attempts = excluded.attempts, died_at = clock_timestamp()
"""

_WAITING = "SELECT task, count(*) AS waiting FROM dead_letter GROUP BY task"


class DeadLetters:
    """The table `dead_letter`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def bury(
        self, event_id: uuid.UUID, *, task: str, payload: dict[str, Any], traceparent: str, error: str, attempts: int
    ) -> None:
        """Record a job that is given up; once more if it died once more."""
        async with self._database.transaction() as session:
            await session.execute(
                text(_BURY),
                {
                    "event_id": event_id,
                    "task": task,
                    "payload": msgspec.json.encode(payload).decode(),
                    "traceparent": traceparent,
                    "error": error[:2000],
                    "attempts": attempts,
                },
            )

    async def waiting(self) -> dict[str, int]:
        """How many there are, by task."""
        async with self._database.session() as session:
            return {row.task: row.waiting for row in await session.execute(text(_WAITING))}
