import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormglass.resilience.backoff import backoff
from stormglass.resilience.deadline import DeadlineExceeded, budget, deadline, parse, remaining
from stormglass.resilience.outage import Outage


@given(attempt=st.integers(-5, 10**9), base=st.floats(0.001, 10), cap=st.floats(0, 3600))
def test_a_wait_is_never_longer_than_its_bound(attempt: int, base: float, cap: float) -> None:
    wait = backoff(attempt, base=base, cap=cap)
    assert 0 <= wait <= cap
    if attempt <= 1:
        assert wait <= base


def test_waits_grow_and_are_spread() -> None:
    def draws(attempt: int) -> list[float]:
        return [backoff(attempt, base=1, cap=1000) for _ in range(400)]

    first, fifth = draws(1), draws(5)
    assert max(first) <= 1 < max(fifth) <= 16
    assert max(fifth) - min(fifth) > 8, "full jitter draws from the whole interval"


@given(seconds=st.floats(0, 1000), inner=st.floats(0, 1000))
def test_an_inner_deadline_only_shortens(seconds: float, inner: float) -> None:
    with deadline(seconds):
        with deadline(inner):
            assert remaining(9999) <= min(seconds, inner)
        assert remaining(9999) <= seconds
        assert remaining(9999) > seconds - 5
    assert remaining(9999) == 9999


def test_budget_is_the_smaller_of_limit_and_rest() -> None:
    assert budget(3) == 3
    with deadline(1):
        assert 0.5 < budget(3) <= 1
        assert budget(0.25) == 0.25
    with deadline(0), pytest.raises(DeadlineExceeded):
        budget(3)


def test_nothing_is_left_after_the_deadline_and_never_less() -> None:
    with deadline(0.01):
        time.sleep(0.02)
        assert remaining(9) == 0.0


async def test_each_task_has_its_own_deadline() -> None:
    async def under(seconds: float) -> float:
        with deadline(seconds):
            await asyncio.sleep(0.02)
            return remaining(9999)

    short, long = await asyncio.gather(under(10), under(100))
    assert short < 10 < long < 100


@given(st.text())
def test_any_text_in_the_header_gives_a_deadline_within_the_limit(text: str) -> None:
    assert 0 < parse(text, 10.0) <= 10.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1500", 1.5),
        ("1", 0.001),
        ("99999", 10.0),
        ("", 10.0),
        ("0", 10.0),
        ("-5", 10.0),
        ("1.5", 10.0),
        ("٣", 10.0),
        ("9" * 5000, 10.0),
    ],
)
def test_the_header_is_milliseconds(text: str, seconds: float) -> None:
    assert parse(text, 10.0) == seconds


def test_an_outage_is_remembered_and_one_caller_finds_out() -> None:
    outage = Outage(0.1)
    assert outage.worth_asking()
    assert outage.worth_asking(), "nothing has failed yet: everybody asks"
    outage.failed()
    assert not outage.worth_asking()
    time.sleep(0.12)
    assert [outage.worth_asking() for _ in range(3)] == [True, False, False]
    outage.answered()
    assert outage.worth_asking()
