"""For how long the oldest job of a real queue has been due."""

import uuid
from collections.abc import AsyncIterator

import pytest
from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool

from stormglass.data.queue import ArqQueue, Job, deserialize, serialize
from stormglass.testing import Platform

NAME = "arq:test-of-ages"


@pytest.fixture
async def redis(platform: Platform) -> AsyncIterator[ArqRedis]:
    host, _, port = platform.address("redis").rpartition(":")
    pool = ConnectionPool(host=host, port=int(port), password=platform.secret("redis", "password"))
    made = ArqRedis(pool, job_serializer=serialize, job_deserializer=deserialize)
    yield made
    await made.delete(NAME)
    await made.aclose(close_connection_pool=True)


async def test_the_oldest_job_counts_from_when_it_was_due(redis: ArqRedis) -> None:
    queue = ArqQueue(redis, NAME)
    assert (await queue.depth(), await queue.oldest_seconds()) == (0, 0)
    first = Job("order_placed", uuid.uuid4(), {})
    assert await queue.enqueue(first)
    await redis.zincrby(NAME, -60_000, str(first.event_id))
    assert await queue.enqueue(Job("order_placed", uuid.uuid4(), {}))
    assert await queue.depth() == 2
    # ARQ rounds to milliseconds
    assert 59.9 < await queue.oldest_seconds() < 120
    # what ARQ does with a job that is tried again later
    await redis.zincrby(NAME, 120_000, str(first.event_id))
    assert await queue.oldest_seconds() < 30
