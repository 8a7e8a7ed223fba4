"""Two relays over one outbox, with a queue of the test's own: every event once, each order's events in order."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Iterator

import asyncpg
import pytest

from stormglass import settings
from stormglass.data.queue import Job, MemoryQueue
from stormglass.runtime.environment import environment
from stormglass.topology import TOPOLOGY
from tests.integration.worker.shop import Shop
from worker.outbox import outbox_connection
from worker.relay import Relay
from worker.settings import WorkerSettings

ORDERS, EVENTS = 25, 3


@pytest.fixture
def as_worker(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in environment(shop.platform.instance, TOPOLOGY["worker"], 1).items():
        monkeypatch.setenv(name, value)
    settings.forget()
    yield
    settings.forget()


class SlowQueue(MemoryQueue):
    """Gives the other relay every chance to get in between."""

    async def enqueue(self, job: Job) -> bool:
        await asyncio.sleep(0.001)
        return await super().enqueue(job)


@pytest.mark.usefixtures("as_worker")
async def test_in_order_and_once(shop: Shop) -> None:
    kind = f"test.{uuid.uuid4().hex}"
    await shop.sql(
        "orders",
        "INSERT INTO outbox (event_id, aggregate_id, kind, payload) "
        "SELECT gen_random_uuid(), 'a' || n % $2::int, $1::text, jsonb_build_object('n', n) "
        "FROM generate_series(0, $2::int * $3::int - 1) AS n",
        kind,
        ORDERS,
        EVENTS,
    )
    queue = SlowQueue()
    wanted = WorkerSettings(batch=10, overdue_seconds=300)
    relays = [Relay(queue, {kind: "test"}, wanted) for _ in range(2)]
    handed_over: list[int] = []
    async with outbox_connection() as one, outbox_connection() as two:
        for _ in range(EVENTS):
            before = set(queue.jobs)
            for _ in range(ORDERS):
                rounds = await asyncio.gather(relays[0].round(one), relays[1].round(two))
                if not any(done.taken for done in rounds):
                    break
            new = [job for event_id, job in queue.jobs.items() if event_id not in before]
            # one event of each order, and no second one while the first is unfinished
            assert sorted(job.payload["n"] % ORDERS for job in new) == list(range(ORDERS))
            handed_over += [job.payload["n"] for job in new]
            await one.execute("UPDATE outbox SET done_at = now() WHERE event_id = ANY($1)", [j.event_id for j in new])
    by_order: dict[int, list[int]] = defaultdict(list)
    for n in handed_over:
        by_order[n % ORDERS].append(n)
    assert len(handed_over) == ORDERS * EVENTS
    assert all(events == sorted(events) for events in by_order.values())


@pytest.mark.usefixtures("as_worker")
async def test_a_queue_that_fails_keeps_no_event(shop: Shop) -> None:
    kind = f"test.{uuid.uuid4().hex}"
    insert = (
        "INSERT INTO outbox (event_id, aggregate_id, kind, payload)"
        " SELECT gen_random_uuid(), $1::text || n, $1::text, '{}' FROM generate_series(1, 3) AS n"
    )
    await shop.sql("orders", insert, kind)

    class Failing(MemoryQueue):
        async def enqueue(self, job: Job) -> bool:
            if len(self.jobs) == 1:
                raise ConnectionError("gone")
            return await super().enqueue(job)

    queue = Failing()
    relay = Relay(queue, {kind: "test"}, WorkerSettings(overdue_seconds=300))
    async with outbox_connection() as connection:
        first = await relay.round(connection)
        assert (first.taken, first.failed) == (1, True)
        waiting = "SELECT count(*) FROM outbox WHERE kind = $1 AND enqueued_at IS NULL"
        assert await connection.fetchval(waiting, kind) == 2
        await connection.execute("UPDATE outbox SET done_at = now() WHERE kind = $1", kind)


@pytest.mark.usefixtures("as_worker")
async def test_a_worker_may_do_nothing_else_to_the_orders_database(shop: Shop) -> None:
    async with outbox_connection() as connection:
        for statement in (
            "DELETE FROM outbox",
            "UPDATE outbox SET payload = '{}'",
            "INSERT INTO outbox (event_id, aggregate_id, kind, payload) VALUES (gen_random_uuid(), 'a', 'b', '{}')",
            "SELECT * FROM orders",
            "SELECT * FROM idempotency_key",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
