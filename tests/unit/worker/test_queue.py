import asyncio
import uuid

from stormglass.data.queue import Job, MemoryQueue, deserialize, serialize


async def test_a_queue_takes_an_event_once() -> None:
    queue = MemoryQueue()
    job = Job("order_placed", uuid.uuid4(), {"order_id": "1"})
    assert await queue.enqueue(job)
    assert not await queue.enqueue(job)
    assert await queue.depth() == 1


async def test_a_queue_knows_for_how_long_its_oldest_job_has_been_due() -> None:
    queue = MemoryQueue()
    assert await queue.oldest_seconds() == 0
    for _ in range(2):
        await queue.enqueue(Job("order_placed", uuid.uuid4(), {}))
        await asyncio.sleep(0.1)
    assert 0.2 <= await queue.oldest_seconds() < 10


def test_jobs_travel_as_data_and_never_as_code() -> None:
    job = {"f": "order_placed", "a": ("id", {"n": 1}, "", ""), "r": ValueError("no")}
    read = deserialize(serialize(job))
    assert read["a"] == ["id", {"n": 1}, "", ""]
    assert read["r"] == "ValueError('no')"
