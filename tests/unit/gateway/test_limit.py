import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ResponseError

from services.gateway.exchange import Exchange
from services.gateway.limits import windows
from services.gateway.limits.limiter import Limiter, headers
from services.gateway.limits.take import Take
from services.gateway.limits.windows import Decision, LocalCounter, Window
from services.gateway.route import Policy
from stormglass.security.identity import Identity
from stormglass.service import Problem

POLICY = Policy("default", 10)


def limiter() -> Limiter:
    return Limiter({"default": POLICY}, replicas=2)


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


def test_the_quota_is_admitted_and_no_more() -> None:
    subject = limiter()
    decisions = []
    for count in range(1, 16):
        take = Take(POLICY, "a", 1000.0)
        take.answered([None, count])
        decisions.append(subject.decision(take))
    assert [d.admitted for d in decisions] == [True] * 10 + [False] * 5
    assert [d.remaining for d in decisions] == [*range(9, -1, -1), 0, 0, 0, 0, 0]


def test_headers_and_refusal() -> None:
    decisions = [Decision(Policy("default", 100), 100, 58, 17), Decision(Policy("log-in", 10), 10, 11, 3)]
    assert headers(decisions) == [
        (b"ratelimit-policy", b'"default";q=100;w=60, "log-in";q=10;w=60'),
        (b"ratelimit", b'"default";r=42;t=17, "log-in";r=0;t=3'),
    ]
    subject = limiter()
    exchange = Exchange("GET", [], "192.0.2.1", identity=Identity("me"))
    taken = subject.take(exchange, "default")
    taken[0].answered([None, 11])
    with pytest.raises(Problem) as caught:
        subject.enforce(subject.decide(exchange, taken))
    assert caught.value.status == 429
    assert re.fullmatch(r"[1-9]\d?", caught.value.headers["Retry-After"])
    assert exchange.extra[1][1].startswith(b'"default";r=0;')


def test_callers_have_quotas_of_their_own() -> None:
    subject = limiter()
    mine = Exchange("GET", [], "192.0.2.1", identity=Identity("me"))
    anonymous = Exchange("GET", [], "192.0.2.1")
    assert subject.take(mine, "default")[0].commands() != subject.take(anonymous, "default")[0].commands()


@pytest.mark.parametrize("replies", [None, [None, ResponseError("READONLY")]])
def test_without_the_shared_counter_the_share_counts(replies: list[object] | None) -> None:
    subject = limiter()
    decisions = []
    for _ in range(8):
        take = Take(POLICY, "a", 1000.0)
        if replies is not None:
            take.answered(replies)
        decisions.append(subject.decision(take))
    assert [d.admitted for d in decisions] == [True] * 5 + [False] * 3
    assert decisions[0].quota == 5


def test_local_counting_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "MAX_LOCAL", 100)
    counter = LocalCounter()
    for number in range(1000):
        counter.add(str(number), 60)
    assert len(counter._counts) == 100
    assert counter.add("999", 60) == 2
    assert counter.add("0", 60) == 1
