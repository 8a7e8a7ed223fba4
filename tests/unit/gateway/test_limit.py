import asyncio
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError

from services.gateway import windows
from services.gateway.exchange import Exchange
from services.gateway.limit import OUTAGE_SECONDS, Limiter, headers
from services.gateway.routes import Policy
from services.gateway.windows import Decision, LocalCounter, Window
from stormglass.security.identity import Identity
from stormglass.service import Problem

POLICY = Policy("default", 10)


class Shared(LocalCounter):
    """A shared counter that can be away, or silent."""

    def __init__(self) -> None:
        super().__init__()
        self.away = self.silent = False
        self.asked = 0

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        self.asked += 1
        if self.away:
            raise RedisConnectionError("gone")
        if self.silent:
            await asyncio.sleep(60)
        return await super().incr(key, expiry, amount)


def limiter(shared: Shared) -> Limiter:
    return Limiter(shared, {"default": POLICY}, replicas=2, timeout_seconds=0.1)


@given(st.floats(0, 4e9), st.text(max_size=20))
def test_a_window_holds_its_moment(now: float, caller: str) -> None:
    window = Window.of(POLICY, caller, now)
    assert 0 < window.left <= POLICY.window + 1e-5
    # a moment later, before the end, it is the same one; after the end it is another
    assert Window.of(POLICY, caller, now + window.left / 2).key == window.key
    assert Window.of(POLICY, caller, now + window.left + 0.01).key != window.key


def test_callers_do_not_start_anew_together() -> None:
    ends = {round(Window.of(POLICY, f"caller-{number}", 1000.0).left) for number in range(500)}
    assert len(ends) > 40


async def test_the_quota_is_admitted_and_no_more() -> None:
    subject = limiter(Shared())
    decisions = [await subject.take(POLICY, "a") for _ in range(15)]
    assert [d.admitted for d in decisions] == [True] * 10 + [False] * 5
    assert [d.remaining for d in decisions] == [*range(9, -1, -1), 0, 0, 0, 0, 0]
    assert (await subject.take(POLICY, "b")).admitted


async def test_headers_and_refusal() -> None:
    decision = Decision(Policy("default", 100), 100, 58, 17)
    assert headers(decision) == [(b"ratelimit-policy", b'"default";q=100;w=60'), (b"ratelimit", b'"default";r=42;t=17')]
    subject = limiter(Shared())
    exchange = Exchange("GET", [], "192.0.2.1", identity=Identity("me"))
    for _ in range(10):
        await subject(exchange, "default")
    with pytest.raises(Problem) as caught:
        await subject(exchange, "default")
    assert caught.value.status == 429
    assert re.fullmatch(r"[1-9]\d?", caught.value.headers["Retry-After"])
    await subject(Exchange("GET", [], "192.0.2.1"), "default")  # the same address, without a token


async def test_without_the_shared_counter_the_share_counts() -> None:
    shared = Shared()
    shared.away = True
    subject = limiter(shared)
    decisions = [await subject.take(POLICY, "a") for _ in range(8)]
    assert [d.admitted for d in decisions] == [True] * 5 + [False] * 3
    assert decisions[0].quota == 5
    assert shared.asked == 1  # the outage is remembered


async def test_one_request_finds_out_that_it_is_back() -> None:
    shared = Shared()
    shared.silent = True
    subject = limiter(shared)
    begun = time.monotonic()
    assert (await subject.take(POLICY, "a")).quota == 5
    assert time.monotonic() - begun < 5
    await asyncio.sleep(OUTAGE_SECONDS + 0.05)
    await asyncio.gather(*(subject.take(POLICY, "a") for _ in range(20)))
    assert shared.asked == 2  # of twenty that came at once, one paid
    shared.silent = False
    await asyncio.sleep(OUTAGE_SECONDS + 0.05)
    assert (await subject.take(POLICY, "a")).quota == 10


async def test_local_counting_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "MAX_LOCAL", 100)
    counter = LocalCounter()
    for number in range(1000):
        await counter.incr(str(number), 60)
    assert len(counter._counts) == 100
    assert await counter.incr("999", 60) == 2
    assert await counter.incr("0", 60) == 1
