"""Looking at the queue and mending it from outside: what `stormglass queue` does, without its printing.

Replaying a dead letter reopens its event in the outbox; the relay hands it over like any other. Nothing can be lost on
the way: the event is open again before the letter is removed, and a letter that the job left anew in between stays.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from stormglass.data.outbox import CHANNEL
from stormglass.data.queue import QUEUE
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that was given up."""

    event_id: uuid.UUID
    task: str
    error: str
    attempts: int
    died_at: datetime
    traceparent: str


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """Counts: `waiting` in the outbox, `open` handed over and not finished, `jobs` in Redis (None: it is away)."""

    waiting: int
    open: int
    jobs: int | None
    dead: int
    mails_sent: int
    mails_unsure: int


class Desk:
    """The databases of one instance, as the worker's role sees them."""

    def __init__(self, instance: Instance, own: Any, orders: Any) -> None:
        self._instance = instance
        self._own = own
        self._orders = orders

    @classmethod
    @asynccontextmanager
    async def open(cls, instance: Instance) -> AsyncIterator["Desk"]:
        """Connect; `RuntimeFailure` if the instance's database cannot be reached."""
        try:
            own = await _connect(instance, "worker")
            orders = await _connect(instance, "orders")
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise RuntimeFailure(
                f"the database of instance {instance.name} at {instance.address('postgres')} cannot be used"
                f" ({type(error).__name__}: {error}): `stormglass status` tells whether it is up"
            ) from error
        try:
            yield cls(instance, own, orders)
        finally:
            await own.close()
            await orders.close()

    async def dead(self) -> list[DeadLetter]:
        """Every dead letter, oldest first."""
        rows = await self._own.fetch(
            "SELECT event_id, task, error, attempts, died_at, traceparent FROM dead_letter ORDER BY died_at"
        )
        return [DeadLetter(**row) for row in rows]

    async def replay(self, letter: DeadLetter) -> None:
        """Give a dead letter another round of attempts; `RuntimeFailure` if its event is gone."""
        async with self._orders.transaction():
            event = await self._orders.fetchval(
                "UPDATE outbox SET done_at = NULL, enqueued_at = NULL WHERE event_id = $1 RETURNING id", letter.event_id
            )
            await self._orders.execute(f"NOTIFY {CHANNEL}")
        if event is None:
            raise RuntimeFailure(
                f"event {letter.event_id} is no longer in the outbox (finished events are kept for 30 days):"
                " it cannot be replayed"
            )
        await self.discard(letter)

    async def discard(self, letter: DeadLetter) -> None:
        """Remove a dead letter: this one only, for its job may have run and died again, and that letter must stay."""
        await self._own.execute(
            "DELETE FROM dead_letter WHERE event_id = $1 AND died_at = $2", letter.event_id, letter.died_at
        )

    async def status(self) -> QueueStatus:
        """How much is where."""
        outbox = await self._orders.fetchrow(
            "SELECT count(*) FILTER (WHERE enqueued_at IS NULL) AS waiting,"
            " count(*) FILTER (WHERE enqueued_at IS NOT NULL) AS open FROM outbox WHERE done_at IS NULL"
        )
        mails = await self._own.fetchrow(
            "SELECT count(*) FILTER (WHERE state = 'sent') AS sent,"
            " count(*) FILTER (WHERE state = 'sending') AS unsure FROM mail_ledger"
        )
        dead = await self._own.fetchval("SELECT count(*) FROM dead_letter")
        jobs = await self._jobs()
        return QueueStatus(outbox["waiting"], outbox["open"], jobs, dead, mails["sent"], mails["unsure"])

    async def _jobs(self) -> int | None:
        host, _, port = self._instance.address("redis").rpartition(":")
        redis = Redis(
            host=host, port=int(port), password=self._instance.secret("worker", "redis_password"), socket_timeout=2
        )
        try:
            return int(await redis.zcard(QUEUE))
        except (RedisError, OSError):
            return None
        finally:
            await redis.aclose()


async def _connect(instance: Instance, database: str) -> Any:
    host, _, port = instance.address("postgres").rpartition(":")
    return await asyncpg.connect(
        host=host,
        port=int(port),
        user="worker",
        password=instance.secret("worker", "database_password"),
        database=database,
        ssl=False,
        timeout=5,
        command_timeout=15,
    )
