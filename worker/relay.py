"""The outbox relay: hands events from Postgres to the queue, in order per aggregate, until a worker has finished them.

Any number of relays may run: a row is locked while it is handed over and skipped by the others. An event is taken only
when every earlier one of its aggregate is finished, so events of one order are worked on one after the other. An event
that was handed over long ago and is not finished is handed over again: the job's id is the event's, so a queue that
still has it (waiting, running, or pausing before a retry) refuses it, and a queue that lost it takes it.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec
from opentelemetry import trace
from redis.exceptions import RedisError

from stormglass.data.outbox import CHANNEL
from stormglass.data.queue import QUEUE, Job, Queue
from stormglass.instrumentation.arq import enqueuing, quiet
from stormglass.resilience.backoff import backoff
from stormglass.telemetry import carrier, names
from stormglass.telemetry.logs import logger
from worker.outbox import outbox_connection
from worker.settings import WorkerSettings

_log = logger(__name__)

QUEUE_ERRORS = (RedisError, OSError, TimeoutError)
DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)

_TAKE = """
SELECT id, event_id, kind, payload, traceparent, enqueued_at IS NOT NULL AS overdue
FROM outbox AS event
WHERE done_at IS NULL
  AND kind = ANY($1)
  AND (enqueued_at IS NULL OR enqueued_at < now() - make_interval(secs => $2))
  AND NOT EXISTS (
      SELECT FROM outbox AS earlier
      WHERE earlier.aggregate_id = event.aggregate_id AND earlier.id < event.id AND earlier.done_at IS NULL
  )
ORDER BY id
LIMIT $3
FOR UPDATE OF event SKIP LOCKED
"""
_TAKEN = "UPDATE outbox SET enqueued_at = clock_timestamp() WHERE id = ANY($1)"
_MEASURE = """
SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest
FROM outbox WHERE done_at IS NULL AND enqueued_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did: events taken off the table, and whether the queue failed."""

    taken: int
    failed: bool


class Relay:
    """One relay. `tasks` says which task works on which kind of event; other kinds stay where they are."""

    def __init__(self, queue: Queue, tasks: Mapping[str, str], wanted: WorkerSettings) -> None:
        self._queue = queue
        self._tasks = tasks
        self._wanted = wanted
        self._wake = asyncio.Event()
        self._tracer = trace.get_tracer("worker.relay")
        self._beat = 0.0

    @property
    def silent_seconds(self) -> float:
        """Seconds since the relay last finished a round: what its readiness is judged by."""
        return time.monotonic() - self._beat

    async def run(self) -> None:
        """Relay until cancelled, through every outage of database and queue."""
        failures = 0
        with quiet():
            while True:
                try:
                    async with outbox_connection() as connection:
                        if failures:
                            _log.info("outbox reachable again", attempts=failures)
                            failures = 0
                        await self._relay(connection)
                except DATABASE_ERRORS as error:
                    failures += 1
                    names.OUTBOX_ERRORS.counter().labels("postgres").inc()
                    if failures == 1:
                        _log.warning("outbox unreachable", error=f"{type(error).__name__}: {error}")
                    await asyncio.sleep(backoff(failures, base=0.2, cap=5.0))

    async def _relay(self, connection: Any) -> None:
        await connection.add_listener(CHANNEL, lambda *_: self._wake.set())
        failures = 0
        measured = 0.0
        while True:
            self._wake.clear()
            done = await self.round(connection)
            self._beat = time.monotonic()
            if self._beat - measured >= self._wanted.poll_seconds:
                await self._measure(connection)
                measured = self._beat
            failures = failures + 1 if done.failed else 0
            if done.failed:
                await asyncio.sleep(backoff(failures, base=0.2, cap=5.0))
            elif done.taken < self._wanted.batch:
                await self._woken()

    async def _woken(self) -> None:
        try:
            # not wait_for(): before Python 3.12 it loses a cancellation that arrives together with its result
            async with asyncio.timeout(self._wanted.poll_seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def round(self, connection: Any) -> Round:
        """Hand over one batch. Rows the queue did not take stay as they are."""
        taken: list[int] = []
        failed = False
        async with connection.transaction():
            rows = await connection.fetch(_TAKE, list(self._tasks), self._wanted.overdue_seconds, self._wanted.batch)
            for row in rows:
                try:
                    await self._hand_over(row)
                except QUEUE_ERRORS as error:
                    names.OUTBOX_ERRORS.counter().labels("queue").inc()
                    _log.warning("queue did not take an event; it stays", error=type(error).__name__)
                    failed = True
                    break
                taken.append(row["id"])
            if taken:
                await connection.execute(_TAKEN, taken)
        return Round(len(taken), failed)

    async def _hand_over(self, row: Any) -> None:
        task = self._tasks[row["kind"]]
        with enqueuing(
            task,
            queue=QUEUE,
            job_id=str(row["event_id"]),
            parent={"traceparent": row["traceparent"]},
            attributes={"outbox.overdue": row["overdue"]},
            tracer=self._tracer,
        ) as span:
            job = Job(
                task=task,
                event_id=row["event_id"],
                payload=msgspec.json.decode(row["payload"]),
                traceparent=row["traceparent"],
                enqueued_by=carrier.current(),
            )
            accepted = await self._queue.enqueue(job)
            span.set_attribute("queue.accepted", accepted)
        if accepted:
            names.OUTBOX_DELIVERED.counter().labels("overdue" if row["overdue"] else "new").inc()

    async def _measure(self, connection: Any) -> None:
        row = await connection.fetchrow(_MEASURE)
        names.OUTBOX_WAITING.gauge().set(row["waiting"])
        names.OUTBOX_OLDEST.gauge().set(row["oldest"])
        try:
            names.QUEUE_DEPTH.gauge().set(await self._queue.depth())
            names.QUEUE_OLDEST.gauge().set(await self._queue.oldest_seconds())
        except QUEUE_ERRORS:
            names.OUTBOX_ERRORS.counter().labels("queue").inc()
