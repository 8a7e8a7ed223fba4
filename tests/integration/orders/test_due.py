"""Every order is asked about once, when it comes of age: settled, or overdue. Orders here have the age a test needs."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import SQLAlchemyError

from services.orders import due
from services.orders.due import DUE_SECONDS, Due, counting
from stormglass.data.database import Database
from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.testing import Platform
from tests.integration.worker.away import impatient, locked, missing
from tests.integration.worker.shop import Shop, until
from tests.telemetry.scrape import pages, value

Outage = Callable[[Platform, str, str], AbstractAsyncContextManager[None]]
FAILURES = (DependencyUnavailable, SQLAlchemyError)

PLACED_AGO = """
INSERT INTO orders (id, user_id, status, reservation_id, lines, total_cents, created_at, updated_at)
VALUES (uuidv7(make_interval(secs => -$1::float8)), 'somebody', $2, uuidv7(), '[]', 0, now(), now())
"""
ALL_OF_AGE = "SELECT coalesce(bool_and(uuid_extract_timestamp(id) < now() - interval '10.1 s'), true) FROM orders"
ALMOST = DUE_SECONDS - 1


@pytest.fixture
async def database(shop: Shop) -> AsyncIterator[Database]:
    # no order of an earlier test comes of age during this one
    await shop.sql("orders", "DELETE FROM orders")
    async with impatient(shop.platform, "orders") as made:
        yield made


async def place(shop: Shop, seconds_ago: float, *statuses: str) -> None:
    for status in statuses:
        await shop.sql("orders", PLACED_AGO, seconds_ago, status)


async def all_of_age(shop: Shop) -> None:
    await until(lambda: shop.sql("orders", ALL_OF_AGE), what="every order is ten seconds old")


def _counts() -> dict[str, float]:
    return {
        outcome: REGISTRY.get_sample_value("orders_due_total", {"outcome": outcome}) or 0.0
        for outcome in ("settled", "overdue")
    }


@dataclass
class Growth:
    """What was counted in this process since the last question."""

    before: dict[str, float] = field(default_factory=_counts)

    def __call__(self) -> tuple[float, float]:
        """Settled, overdue."""
        now = _counts()
        grown = now["settled"] - self.before["settled"], now["overdue"] - self.before["overdue"]
        self.before = now
        return grown


async def test_each_is_counted_once_as_what_it_is_when_it_comes_of_age(shop: Shop, database: Database) -> None:
    counted, looking = Growth(), Due(database)
    await place(shop, ALMOST, "pending", "pending", "confirmed", "cancelled", "cancelled")
    await all_of_age(shop)
    await looking.look()
    assert counted() == (3, 2)
    # whatever becomes of them now comes too late
    await shop.sql("orders", "UPDATE orders SET status = 'confirmed'")
    await looking.look()
    assert counted() == (0, 0)
    await place(shop, ALMOST, "confirmed")
    await all_of_age(shop)
    await looking.look()
    assert counted() == (1, 0)


async def test_those_that_were_of_age_at_the_start_are_not_counted_and_younger_ones_are(
    shop: Shop, database: Database
) -> None:
    counted = Growth()
    await place(shop, DUE_SECONDS + 1, "pending", "confirmed")
    await place(shop, ALMOST - 5, "pending")
    looking = Due(database)
    await looking.look()
    assert counted() == (0, 0)
    await all_of_age(shop)
    await looking.look()
    assert counted() == (0, 1)


@pytest.mark.parametrize("outage", [locked, missing])
async def test_the_next_look_makes_up_for_one_that_failed(shop: Shop, database: Database, outage: Outage) -> None:
    counted, looking = Growth(), Due(database)
    await place(shop, ALMOST, "pending", "confirmed")
    await all_of_age(shop)
    async with outage(shop.platform, "orders", "orders"):
        for _ in range(2):
            with pytest.raises(FAILURES):
                await looking.look()
    assert counted() == (0, 0)
    await looking.look()
    assert counted() == (1, 1)


@pytest.mark.parametrize("outage", [locked, missing])
async def test_looking_goes_on_through_an_outage_and_ends_with_the_service(
    shop: Shop, database: Database, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = {"failed": 0, "done": 0}

    class Watched(Due):
        async def look(self) -> None:
            try:
                await super().look()
            except FAILURES:
                looks["failed"] += 1
                raise
            looks["done"] += 1

    async def reached(what: str, number: int) -> bool:
        return looks[what] >= number

    monkeypatch.setattr(due, "Due", Watched)
    monkeypatch.setattr(due, "EVERY_SECONDS", 0.05)
    counted = Growth()
    async with counting(database):
        assert _is_looking()
        await place(shop, ALMOST, "pending", "confirmed", "cancelled")
        async with outage(shop.platform, "orders", "orders"):
            await until(lambda: reached("failed", 2), what="two looks fail")
        await all_of_age(shop)
        done = looks["done"]
        # one may have begun before all were of age
        await until(lambda: reached("done", done + 2), what="a look after the outage")
        assert counted() == (2, 1)
    assert not _is_looking()


def _is_looking() -> bool:
    return any(task.get_name() == "orders due" for task in asyncio.all_tasks())


async def test_the_services_count_what_customers_ordered(shop: Shop, database: Database) -> None:
    """By the ids that customers get: every replica, one of them settled and one not."""
    customer, product = await shop.customer(), await shop.product()
    before = time.time()
    cancelled, pending = [(await shop.place(customer, product)).body["id"] for _ in range(2)]
    after = time.time()
    for made in (cancelled, pending):
        assert due._first_id(before) <= uuid.UUID(made) < due._first_id(after + 0.001)
    assert (await shop.call("POST", f"/orders/{cancelled}/cancel", customer)).status == 200
    begun = _served(shop.platform)
    assert begun

    async def grown() -> dict[str, tuple[float, float]]:
        now = _served(shop.platform)
        return {name: (now[name][0] - begun[name][0], now[name][1] - begun[name][1]) for name in begun}

    async def all_counted() -> bool:
        return all(sum(each) >= 2 for each in (await grown()).values())

    await until(all_counted, what="every replica has counted both")
    assert time.time() - before >= DUE_SECONDS, "nobody is asked about before it is due"
    assert set((await grown()).values()) == {(1, 1)}


def _served(platform: Platform) -> dict[str, tuple[float, float]]:
    """By replica of the service: settled, overdue."""
    return {
        page.replica: (
            value(page.families, "orders_due_total", outcome="settled"),
            value(page.families, "orders_due_total", outcome="overdue"),
        )
        for page in pages(platform, "orders")
    }
