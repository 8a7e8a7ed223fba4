import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from litestar.datastructures import State
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import Tracer
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from stormglass.service.health import CHECK_SECONDS, FRESH_SECONDS, KNOWN_SECONDS, AdminApp, Health
from stormglass.telemetry import names
from stormglass.telemetry.carrier import exemplar


async def fine(state: State) -> None:
    assert not is_instrumentation_enabled(), "a check that polls must leave no root span"


async def refused(state: State) -> None:
    raise ConnectionRefusedError("nobody listens on 127.0.0.1:1")


async def hangs(state: State) -> None:
    await asyncio.sleep(60)


async def gives_up(state: State) -> None:
    raise TimeoutError("the pool has no free connection")


async def ask(health: Health, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    transport = httpx.ASGITransport(AdminApp(health))  # type: ignore[arg-type]  # the same protocol under another name
    async with httpx.AsyncClient(transport=transport, base_url="http://probe") as client:
        return await client.get(path, headers=headers)


def health_of(soft: Any = None, **checks: Callable[[State], Awaitable[None]]) -> Health:
    return Health(checks, State(), soft)


async def test_alive_whatever_the_dependencies_do() -> None:
    response = await ask(health_of(redis=refused), "/livez")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


async def test_ready_when_every_dependency_answers() -> None:
    response = await ask(health_of(postgres=fine, redis=fine), "/readyz")
    assert (response.status_code, response.json()["status"], response.json()["problems"]) == (200, "ready", {})


async def test_what_is_not_ready_says_why() -> None:
    response = await ask(health_of(postgres=fine, redis=refused, queue=gives_up), "/readyz")
    assert response.status_code == 503
    assert response.json()["status"] == "not ready"
    assert response.json()["problems"] == {
        "redis": "ConnectionRefusedError: nobody listens on 127.0.0.1:1",
        "queue": "TimeoutError: the pool has no free connection",
    }


async def test_slow_checks_are_given_up_together() -> None:
    begun = time.perf_counter()
    response = await ask(health_of(a=hangs, b=hangs, c=fine), "/readyz")
    assert time.perf_counter() - begun < CHECK_SECONDS + 0.2
    assert response.json()["problems"] == dict.fromkeys("ab", f"no answer within {CHECK_SECONDS:g} s")


async def test_a_dependency_that_has_become_slow_delays_no_answer_and_is_told_when_it_was_given_up() -> None:
    slow = False

    async def postgres(state: State) -> None:
        if slow:
            await hangs(state)

    health = health_of(postgres=postgres)
    assert await health.problems() == {}
    slow = True
    await asyncio.sleep(FRESH_SECONDS + 0.05)
    begun = time.perf_counter()
    assert await health.problems() == {}, "the last outcome counts until there is another"
    assert time.perf_counter() - begun < CHECK_SECONDS / 4
    await asyncio.sleep(CHECK_SECONDS + 0.2)
    assert await health.problems() == {"postgres": f"no answer within {CHECK_SECONDS:g} s"}


async def test_however_many_ask_a_dependency_is_asked_once() -> None:
    asked = 0

    async def postgres(state: State) -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)

    health = health_of(postgres=postgres)
    await asyncio.gather(*(health.problems() for _ in range(50)))
    assert asked == 1
    await asyncio.sleep(FRESH_SECONDS + 0.05)
    await asyncio.gather(*(health.problems() for _ in range(50)))
    assert asked == 2


async def test_who_looks_rarely_gets_an_outcome_of_now() -> None:
    broken = False

    async def postgres(state: State) -> None:
        if broken:
            await refused(state)

    health = health_of(postgres=postgres)
    assert await health.problems() == {}
    broken = True
    await asyncio.sleep(KNOWN_SECONDS + 0.05)
    assert list(await health.problems()) == ["postgres"]


async def test_a_dependency_with_a_fallback_degrades_only() -> None:
    response = await ask(health_of(soft={"redis": refused}, postgres=fine), "/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert list(response.json()["degraded"]) == ["redis"]


async def test_draining_is_not_ready_but_alive() -> None:
    health = health_of(postgres=fine)
    health.draining = True
    response = await ask(health, "/readyz")
    assert response.status_code == 503
    assert "draining" in response.json()["problems"]["process"]
    assert (await ask(health, "/livez")).status_code == 200


async def test_metrics_are_openmetrics_with_exemplars(tracer: Tracer) -> None:
    with tracer.start_as_current_span("probe") as span:
        names.HTTP_SERVER_DURATION.histogram().labels("GET", "/exemplar", "200").observe(0.03, exemplar())
        trace_id = format(span.get_span_context().trace_id, "032x")
    response = await ask(health_of(), "/metrics", {"Accept": "application/openmetrics-text;version=1.0.0"})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    found = [
        sample.exemplar.labels
        for family in text_string_to_metric_families(response.text)  # type: ignore[no-untyped-call]  # has no types
        for sample in family.samples
        if sample.exemplar and sample.labels.get("http_route") == "/exemplar"
    ]
    assert found == [{"trace_id": trace_id}]
    assert (await ask(health_of(), "/metrics")).headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("path", ["/", "/readyz/", "/livez2"])
async def test_nothing_else_is_here(path: str) -> None:
    assert (await ask(health_of(), path)).status_code == 404
