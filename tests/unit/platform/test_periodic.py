"""Periodic jobs: what they survive, what is told of it, and that they end."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from structlog.testing import capture_logs

from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.service.periodic import periodically

OFTEN = 0.001
SELDOM = 60.0
AWAY = DependencyUnavailable("postgres", "it is away")


class Rounds:
    """A job whose rounds end as it is told, one after the other; after those every round succeeds."""

    def __init__(self, *ends: BaseException | None) -> None:
        self.ends = list(ends)
        self.begun = 0
        self.running = 0

    async def __call__(self) -> None:
        self.begun += 1
        assert self.running == 0, "one round at a time"
        self.running += 1
        try:
            await asyncio.sleep(0)
            if self.ends and (end := self.ends.pop(0)) is not None:
                raise end
        finally:
            self.running -= 1

    async def reach(self, number: int) -> None:
        async with asyncio.timeout(5):
            while self.begun < number:  # noqa: ASYNC110 - it polls a number that any round may raise
                await asyncio.sleep(0)


def often(job: Callable[[], Awaitable[object]], **options: Any) -> AbstractAsyncContextManager[None]:
    return periodically(job, **{"name": "tidying", "seconds": OFTEN, "expected": (DependencyUnavailable,), **options})


async def told(*ends: BaseException | None, **options: Any) -> list[tuple[str, str, str]]:
    """Level, event, and kind of error, or number of rounds that failed, of each line that such rounds write."""
    job = Rounds(*ends)
    with capture_logs() as lines:
        async with often(job, **options):
            await job.reach(len(ends) + 2)
    assert {line["job"] for line in lines} <= {"tidying"}
    return [(line["log_level"], line["event"], line.get("error") or line["failed_rounds"]) for line in lines]


def is_running(name: str) -> bool:
    return any(task.get_name() == name for task in asyncio.all_tasks())


async def test_the_first_round_comes_at_once_and_the_next_after_the_pause() -> None:
    job = Rounds()
    async with often(job, seconds=SELDOM):
        await job.reach(1)
        await asyncio.sleep(0.02)
        assert job.begun == 1
    job, begun = Rounds(), time.monotonic()
    async with often(job, seconds=0.02):
        await job.reach(4)
    assert time.monotonic() - begun >= 3 * 0.02 - 0.005, "the loop's clock is coarse"


async def test_the_pause_is_spread_as_wide_as_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds: list[tuple[float, float]] = []

    def longest(low: float, high: float) -> float:
        bounds.append((low, high))
        return high

    monkeypatch.setattr(random, "uniform", longest)
    job, begun = Rounds(), time.monotonic()
    async with often(job, spread=0.25, seconds=0.04):
        await job.reach(2)
    assert time.monotonic() - begun >= 0.05 - 0.002, "the loop's clock is coarse"
    assert set(bounds) == {(0.75, 1.25)}


async def test_a_round_that_takes_longer_than_the_pause_is_not_overtaken() -> None:
    running, most, ended = 0, 0, 0

    async def slow() -> None:
        nonlocal running, most, ended
        running += 1
        most = max(most, running)
        await asyncio.sleep(10 * OFTEN)
        running -= 1
        ended += 1

    async with often(slow), asyncio.timeout(5):
        while ended < 3:  # noqa: ASYNC110 - it polls a number that any round may raise
            await asyncio.sleep(OFTEN)
    assert most == 1


@pytest.mark.parametrize(
    "failure",
    [AWAY, KeyError("a defect"), OSError(), TimeoutError(), asyncio.CancelledError(), ExceptionGroup("", [KeyError()])],
    ids=lambda failure: type(failure).__name__,
)
async def test_no_failure_ends_it(failure: BaseException) -> None:
    job = Rounds(failure, failure, failure)
    async with often(job):
        await job.reach(5)
        assert is_running("tidying")


async def test_a_failure_is_told_when_it_begins_and_when_it_ends() -> None:
    assert await told(None, AWAY, AWAY, AWAY, None, None, AWAY, None) == [
        ("warning", "periodic job failed, next time then", "DependencyUnavailable"),
        ("info", "periodic job succeeds again", 3),
        ("warning", "periodic job failed, next time then", "DependencyUnavailable"),
        ("info", "periodic job succeeds again", 1),
    ]


async def test_what_nobody_expected_is_told_also_while_something_expected_goes_on() -> None:
    assert await told(AWAY, KeyError("a defect"), AWAY, KeyError("a defect"), AWAY) == [
        ("warning", "periodic job failed, next time then", "DependencyUnavailable"),
        ("error", "periodic job failed, next time then", "KeyError"),
        ("info", "periodic job succeeds again", 5),
    ]


async def test_what_others_tell_of_can_be_for_debugging_only_and_its_end_as_well() -> None:
    assert await told(AWAY, AWAY, level=logging.DEBUG) == [
        ("debug", "periodic job failed, next time then", "DependencyUnavailable"),
        ("debug", "periodic job succeeds again", 2),
    ]
    # a defect is never that quiet
    assert await told(AWAY, KeyError("a defect"), level=logging.DEBUG) == [
        ("debug", "periodic job failed, next time then", "DependencyUnavailable"),
        ("error", "periodic job failed, next time then", "KeyError"),
        ("info", "periodic job succeeds again", 2),
    ]


async def test_only_what_nobody_expected_has_a_traceback() -> None:
    defect = KeyError("a defect")
    job = Rounds(AWAY, defect)
    with capture_logs() as lines:
        async with often(job):
            await job.reach(3)
    expected, unexpected = lines[:2]
    assert (expected["reason"], expected["exc_info"]) == (str(AWAY), None)
    assert unexpected["exc_info"] is defect


async def test_rounds_leave_no_traces_and_the_block_does() -> None:
    enabled: list[bool] = []

    async def look() -> None:
        enabled.append(is_instrumentation_enabled())
        if len(enabled) == 1:
            raise AWAY

    async with often(look), asyncio.timeout(5):
        while len(enabled) < 3:  # noqa: ASYNC110 - it polls a list that any round may extend
            await asyncio.sleep(0)
        assert is_instrumentation_enabled()
    assert set(enabled) == {False}


async def stopped(ends: Iterable[str]) -> list[str]:
    """What happens to a round that would never end, when the block does."""
    seen: list[str] = []
    left = iter(ends)

    async def endless() -> None:
        seen.append("begun")
        for end in left:
            try:
                await asyncio.sleep(SELDOM)
            except asyncio.CancelledError:
                seen.append(end)
                if end == "fails":
                    raise AWAY from None
                if end == "ends":
                    raise

    async with asyncio.timeout(5):
        async with often(endless):
            while not seen:  # noqa: ASYNC110 - it polls a list that the round extends
                await asyncio.sleep(0)
        assert not is_running("tidying")
    return seen


@pytest.mark.parametrize(
    "ends",
    [("ends",), ("fails",), ("swallows",), ("swallows", "ends"), ("swallows", "swallows", "fails")],
    ids="-".join,
)
async def test_it_ends_with_the_block_whatever_the_round_makes_of_its_cancellation(
    ends: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stormglass.service.periodic.CANCEL_SECONDS", 0.01)
    with capture_logs() as lines:
        assert await stopped(ends) == ["begun", *ends]
    assert lines == [], "that is no failure"


async def test_it_ends_when_the_block_fails_and_hides_no_error() -> None:
    job = Rounds()

    async def fail() -> None:
        async with often(job):
            await job.reach(2)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert not is_running("tidying")
    begun = job.begun
    await asyncio.sleep(5 * OFTEN)
    assert job.begun == begun
