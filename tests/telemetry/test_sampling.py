"""Sampling on the running platform: a share of whole traces, and what fails or is slow although nobody chose it."""

import asyncio
import itertools
import os
import random
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import httpx
import pytest

from chaos.testing.injector import FaultInjector
from observability.traces.client import TraceClient
from observability.traces.model import Span, Trace
from services.shopper import Shopper
from stormglass.runtime.render import traefik
from stormglass.telemetry.sampling_parts import KEPT_REASON
from stormglass.testing import Platform, eventually
from tests.goods import stocked
from tests.telemetry.span_books import settled

RATIO = 0.1
REQUESTS = 200


@dataclass(frozen=True)
class Answer:
    status: int
    trace_id: str

    @property
    def chosen(self) -> bool:
        """By the rule of every SDK: the low 8 bytes of the id against the ratio."""
        return int(self.trace_id[16:], 16) >> 1 < int(RATIO * 2**63)


class Visitors:
    """A few people, each with an order, who look at it again and again; alone one would come up against a limit."""

    def __init__(self, platform: Platform, people: int = 5) -> None:
        self._http = httpx.Client(base_url=platform.base_url, timeout=30)
        self._goods = stocked(platform)
        self._theirs = itertools.cycle([self._arrive(platform) for _ in range(people)])

    def _arrive(self, platform: Platform) -> tuple[str, str]:
        with Shopper(platform.base_url) as shopper:
            shopper.register()
            shopper.log_in()
            order = shopper.place([(random.choice(self._goods)["id"], 1)]).order_id
            return f"/orders/{order}", shopper._http.headers["Authorization"]

    def look(self, *, unchosen: bool = False) -> Answer:
        """One request; `unchosen` sends the no of a caller further up, which the edge passes on."""
        path, credential = next(self._theirs)
        own = _unchosen() if unchosen else {}
        answer = self._http.get(path, headers={**own, "Authorization": credential})
        return Answer(answer.status_code, answer.headers.get("X-Trace-Id", ""))

    def look_often(self, times: int, *, unchosen: bool = False) -> list[Answer]:
        """Several requests, a few at a time."""
        with ThreadPoolExecutor(6) as few:
            return list(few.map(lambda _: self.look(unchosen=unchosen), range(times)))

    def order(self) -> str:
        """Another order, in a trace that nobody chose; the trace."""
        headers = {**_unchosen(), "Authorization": next(self._theirs)[1]}
        body = {"items": [{"product_id": random.choice(self._goods)["id"], "quantity": 1}]}
        answer = self._http.post("/place-order", json=body, headers={**headers, "Idempotency-Key": os.urandom(8).hex()})
        assert answer.status_code == 201, answer.text
        return headers["traceparent"].split("-")[1]

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def _unchosen() -> dict[str, str]:
    return {"traceparent": f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-00"}


@pytest.fixture(scope="module")
def visitors(platform: Platform) -> Iterator[Visitors]:
    made = Visitors(platform)
    yield made
    made.close()


@pytest.fixture
def sampling_edge(platform: Platform) -> Iterator[None]:
    """The edge as `up --sample-ratio 0.1` starts it; all others follow it whatever they were told themselves."""
    instance = platform.instance
    file = instance.config / "traefik.yml"
    try:
        file.write_text(traefik.static(replace(instance, sample_ratio=RATIO)), encoding="utf-8")
        platform.run("restart", "edge")
        yield
    finally:
        file.write_text(traefik.static(instance), encoding="utf-8")
        platform.run("restart", "edge")


def _reasons(spans: Iterable[Span]) -> set[object]:
    return {span.attributes.get(KEPT_REASON) for span in spans}


def _part(trace: Trace, service: str) -> list[Span]:
    return [span for span in trace.spans if span.service == service]


def _fetch(platform: Platform, trace_ids: Iterable[str]) -> dict[str, Trace]:
    async def ask() -> dict[str, Trace]:
        async with TraceClient(f"http://{platform.address('traces')}") as store:
            found = {trace_id: await store.trace(trace_id) for trace_id in trace_ids}
        return {trace_id: trace for trace_id, trace in found.items() if trace}

    return asyncio.run(ask())


def _whole(platform: Platform, answer: Answer) -> Trace | None:
    trace = _fetch(platform, [answer.trace_id])[answer.trace_id]
    return None if trace.missing_parents else trace


def _stored(platform: Platform, answers: list[Answer]) -> dict[str, Trace]:
    settled(platform)
    return _fetch(platform, [answer.trace_id for answer in answers])


def test_a_share_of_traces_is_exported_whole_and_every_process_agrees(
    platform: Platform, sampling_edge: None, visitors: Visitors
) -> None:
    answers = visitors.look_often(REQUESTS)
    assert {answer.status for answer in answers} == {200}
    chosen = [answer for answer in answers if answer.chosen]
    sigma = (REQUESTS * RATIO * (1 - RATIO)) ** 0.5
    assert abs(len(chosen) - REQUESTS * RATIO) < 4 * sigma
    stored = _stored(platform, answers)
    assert {answer.trace_id for answer in chosen} <= stored.keys()
    for answer in chosen:
        trace = eventually(
            lambda answer=answer: _whole(platform, answer),  # type: ignore[misc]  # a lambda bound to its round
            what="the edge's spans, which it delivers every five seconds",
        )
        assert [span.service for span in trace.spans if not span.parent_span_id] == ["edge"]
        assert {span.service for span in trace.spans} >= {"edge", "gateway", "orders"}
        assert _reasons(trace.spans) == {None}
    for answer in answers:
        if not answer.chosen and answer.trace_id in stored:
            # on a machine this busy a request may have been slow
            assert None not in _reasons(stored[answer.trace_id].spans)


def test_an_error_is_kept_by_every_process_that_saw_it(
    platform: Platform, visitors: Visitors, fault: FaultInjector
) -> None:
    with fault("orders→postgres", "down"):
        answers = visitors.look_often(20, unchosen=True)
    assert all(answer.status >= 500 for answer in answers)
    assert all(answer.trace_id for answer in answers), "the edge answered in the gateway's place, and makes no spans"
    stored = _stored(platform, answers)
    for answer in answers:
        trace = stored[answer.trace_id]
        # once both replicas are out of rotation the internal balancer answers in their place
        services = {span.service for span in trace.spans}
        assert services in ({"gateway", "orders"}, {"gateway"}), "the edge keeps nothing"
        assert _reasons(trace.spans) == {"error"}
        for service in services:
            own = {span.span_id for span in _part(trace, service)}
            tops = [span for span in _part(trace, service) if span.parent_span_id not in own]
            # two of them where the balancer asked the other replica as well
            assert {span.kind for span in tops} == {"server"}, "the part is there from its local root on"
    assert any(_part(trace, "orders") for trace in stored.values())


def test_what_is_slow_is_kept_by_who_was_slow_and_by_nobody_else(
    platform: Platform, visitors: Visitors, fault: FaultInjector
) -> None:
    with fault("gateway→internal", "latency", latency=650):
        answers = visitors.look_often(3, unchosen=True)
    assert {answer.status for answer in answers} == {200}
    quick = [visitors.look(unchosen=True) for _ in range(3)]
    stored = _stored(platform, [*answers, *quick])
    for answer in answers:
        trace = stored[answer.trace_id]
        assert _reasons(_part(trace, "gateway")) == {"slow"}
        assert _reasons(_part(trace, "orders")) <= {"slow"}
    # one of three: on a machine this busy a request may have been slow without a fault
    assert not all(_part(stored[answer.trace_id], "orders") for answer in answers), "the delay lay before it"
    assert not all(answer.trace_id in stored for answer in quick)


def test_a_job_of_an_unchosen_trace_is_kept_when_it_fails(
    platform: Platform, visitors: Visitors, fault: FaultInjector
) -> None:
    with fault("mail", "refuse"):
        trace_id = visitors.order()
        part = eventually(lambda: _part(_fetch(platform, [trace_id])[trace_id], "worker"), what="the job's spans")
    tries = [span for span in part if span.kind == "consumer"]
    assert tries, "one, or more if the next came before the worker delivered the first one's spans"
    for job in tries:
        assert job.failed
        assert [link.trace_id for link in job.links] == [trace_id], "the link leads to the same trace, not to a span"
    assert _reasons(part) == {"error"}
    assert not [span for span in part if span.kind == "producer"], "handing it over went well"


def test_every_span_is_accounted_for(platform: Platform, visitors: Visitors) -> None:
    before = settled(platform)
    visitors.look_often(20)
    visitors.look_often(20, unchosen=True)
    after = settled(platform)
    assert after.ended - before.ended >= 40 * 4, "two server spans each, what they asked, and the database"
    assert after.exported - before.exported >= 20 * 4
    assert (after.sampled_out + after.kept) - (before.sampled_out + before.kept) >= 20 * 4
