"""How many dead letters wait, as the worker serves it: buried, replayed and removed for real."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import SQLAlchemyError

from stormglass.data.database import Database
from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.telemetry import names
from stormglass.testing import Platform
from tests.integration.worker.away import impatient, locked, missing
from tests.integration.worker.shop import Shop, until
from worker import letters
from worker.dead_letters import DeadLetters
from worker.tasks import KINDS

Outage = Callable[[Platform, str, str], AbstractAsyncContextManager[None]]

KNOWN = tuple(KINDS.values())
OF_YESTERDAY = "a_task_of_yesterday"
STALE = 7.0
"""What the gauge says before anybody has looked."""


@pytest.fixture
async def database(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(letters, "EVERY_SECONDS", 0.05)
    for task in (*KNOWN, OF_YESTERDAY):
        names.DEAD_LETTERS_WAITING.gauge().labels(task).set(STALE)
    await shop.sql("worker", "DELETE FROM dead_letter")
    async with impatient(shop.platform, "worker") as made:
        yield made
    await shop.sql("worker", "DELETE FROM dead_letter")


class Watched(DeadLetters):
    """Tells how often it could not be asked."""

    failed = 0

    async def waiting(self) -> dict[str, int]:
        try:
            return await super().waiting()
        except (DependencyUnavailable, SQLAlchemyError):
            self.failed += 1
            raise

    async def has_failed(self, times: int) -> bool:
        return self.failed >= times


async def bury(found: DeadLetters, task: str, event_id: str = "") -> uuid.UUID:
    event = uuid.UUID(event_id) if event_id else uuid.uuid4()
    await found.bury(event, task=task, payload={}, traceparent="", error="nobody knows", attempts=2)
    return event


def waiting() -> dict[str, float]:
    found = {task: REGISTRY.get_sample_value("dead_letters_waiting", {"task": task}) for task in (*KNOWN, OF_YESTERDAY)}
    return {task: number for task, number in found.items() if number is not None}


async def _waiting(*numbers: float) -> bool:
    return waiting() == dict(zip((*KNOWN, OF_YESTERDAY), numbers, strict=True))


async def test_each_task_has_a_number_and_where_none_waits_it_is_zero(database: Database) -> None:
    found = DeadLetters(database)
    async with letters.measuring(found, KNOWN):
        # nobody says here that there is a third kind of task, so its number stays what it was
        await until(lambda: _waiting(0, 0, STALE), what="zero for each known task")
        first = await bury(found, KNOWN[0])
        await bury(found, KNOWN[0])
        await bury(found, KNOWN[1])
        await until(lambda: _waiting(2, 1, STALE), what="three letters")
        # a job that dies once more is the same letter
        await bury(found, KNOWN[0], str(first))
        await bury(found, OF_YESTERDAY)
        await until(lambda: _waiting(2, 1, 1), what="one of a task that this version does not know")


async def test_removed_ones_are_gone_also_those_of_a_task_that_nobody_knows(shop: Shop, database: Database) -> None:
    found = DeadLetters(database)
    await bury(found, KNOWN[1])
    await bury(found, OF_YESTERDAY)
    async with letters.measuring(found, KNOWN):
        await until(lambda: _waiting(0, 1, 1), what="two letters")
        await shop.sql("worker", "DELETE FROM dead_letter")
        await until(lambda: _waiting(0, 0, 0), what="none is left")


async def test_a_replayed_one_waits_no_longer(shop: Shop, database: Database) -> None:
    found = DeadLetters(database)
    _, _, order_id = await shop.placed()
    event = await shop.sql("orders", "SELECT event_id::text FROM outbox WHERE aggregate_id = $1", order_id)
    await bury(found, KNOWN[0], event)
    await bury(found, KNOWN[0])
    async with letters.measuring(found, KNOWN):
        await until(lambda: _waiting(2, 0, STALE), what="two letters")
        await asyncio.to_thread(shop.platform.run, "queue", "replay", event)
        await until(lambda: _waiting(1, 0, STALE), what="the other one")


@pytest.mark.parametrize("outage", [locked, missing])
async def test_what_cannot_be_asked_keeps_its_number_and_is_asked_again(
    shop: Shop, database: Database, outage: Outage
) -> None:
    found = Watched(database)
    await bury(found, KNOWN[0])
    async with letters.measuring(found, KNOWN):
        await until(lambda: _waiting(1, 0, STALE), what="one letter")
        async with outage(shop.platform, "worker", "dead_letter"):
            await until(lambda: found.has_failed(3), what="three looks fail")
            assert await _waiting(1, 0, STALE)
        await bury(found, KNOWN[0])
        await until(lambda: _waiting(2, 0, STALE), what="two letters after the outage")
