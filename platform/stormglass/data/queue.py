"""The queue port: what the platform needs of a queue, so that ARQ (maintenance-only) can be replaced in one place.

`ArqQueue` is the real one, over Redis; `MemoryQueue` is for unit tests of what stands on the port.
"""

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
from arq.connections import ArqRedis
from arq.constants import default_queue_name

from stormglass.data.redis import redis_pool

QUEUE = default_queue_name
"""Key of the queue in Redis."""

# not ARQ's default, pickle: whoever could write to Redis could run code in the workers
serialize = msgspec.msgpack.Encoder(enc_hook=repr).encode
deserialize = msgspec.msgpack.decode


@dataclass(frozen=True, slots=True)
class Job:
    """One job: which task, about which event, and the trace it belongs to.

    `traceparent` is the request's span, parent of the job's; `enqueued_by` the span that enqueued it, linked by it.
    """

    task: str
    event_id: uuid.UUID
    payload: dict[str, Any]
    traceparent: str = ""
    enqueued_by: str = ""


class Queue(Protocol):
    """Takes jobs at least once; a job whose event id is still in the queue is not taken a second time."""

    async def enqueue(self, job: Job) -> bool:
        """Hand a job over; False if one of the same event id is there already."""
        ...

    async def depth(self) -> int:
        """Jobs that are not finished."""
        ...

    async def oldest_seconds(self) -> float:
        """For how long the oldest of them has been due; 0 where there is none, or none is due yet."""
        ...


@dataclass(slots=True)
class MemoryQueue:
    """A queue that forgets everything when the process ends."""

    jobs: dict[uuid.UUID, Job] = field(default_factory=dict)
    since: dict[uuid.UUID, float] = field(default_factory=dict)

    async def enqueue(self, job: Job) -> bool:
        """See `Queue.enqueue`."""
        if job.event_id in self.jobs:
            return False
        self.jobs[job.event_id] = job
        self.since[job.event_id] = time.time()
        return True

    async def depth(self) -> int:
        """See `Queue.depth`."""
        return len(self.jobs)

    async def oldest_seconds(self) -> float:
        """See `Queue.oldest_seconds`."""
        return max((time.time() - since for since in self.since.values()), default=0.0)


class ArqQueue:
    """Jobs in Redis, for ARQ workers. ARQ's hooks do not see arguments, so the trace travels as one."""

    def __init__(self, redis: ArqRedis, name: str = QUEUE) -> None:
        self._redis = redis
        self._name = name

    async def enqueue(self, job: Job) -> bool:
        """See `Queue.enqueue`."""
        taken = await self._redis.enqueue_job(
            job.task,
            str(job.event_id),
            job.payload,
            job.traceparent,
            job.enqueued_by,
            _job_id=str(job.event_id),
            _queue_name=self._name,
        )
        return taken is not None

    async def depth(self) -> int:
        """See `Queue.depth`."""
        return int(await self._redis.zcard(self._name))

    async def oldest_seconds(self) -> float:
        """See `Queue.oldest_seconds`. ARQ's scores are when jobs are due, in ms; a running job keeps its."""
        first = await self._redis.zrange(self._name, 0, 0, withscores=True)
        return max(0.0, time.time() - first[0][1] / 1000) if first else 0.0


@asynccontextmanager
async def open_arq(*, timeout_seconds: float | None = None) -> AsyncIterator[ArqRedis]:
    """ARQ's client over this process' edge to Redis, for `ArqQueue` and for ARQ's worker; closed at the end."""
    redis = ArqRedis(redis_pool(timeout_seconds), job_serializer=serialize, job_deserializer=deserialize)
    try:
        yield redis
    finally:
        await redis.aclose(close_connection_pool=True)
