"""Answers that do not begin, do not end, end late, or are cut short; and what is no HTTP at all."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar, get
from litestar.background_tasks import BackgroundTask
from litestar.response import Response, Stream
from litestar.types import Receive, Scope, Send
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from prometheus_client import CollectorRegistry

PAUSE = 0.15


@pytest.fixture
def active(registry: CollectorRegistry) -> Any:
    labels = {"http_request_method": "GET", "url_scheme": "http"}
    return lambda: registry.get_sample_value("http_server_active_requests", labels)


async def dies_silently(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers nothing."""


async def dies_early(scope: Scope, receive: Receive, send: Send) -> None:
    raise LookupError("before any answer")


async def dies_late(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"so far", "more_body": True})
    raise LookupError("in the middle of it")


async def is_cancelled(scope: Scope, receive: Receive, send: Send) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("app", "raised", "error"),
    [
        (dies_silently, AssertionError, "no_response"),
        (dies_early, LookupError, "LookupError"),
        (is_cancelled, asyncio.CancelledError, "CancelledError"),
    ],
)
async def test_no_answer(
    ask: Any, only: Any, sample: Any, active: Any, app: Any, raised: type[BaseException], error: str
) -> None:
    with pytest.raises(raised):  # the client's complaint about a missing answer, or what the application raised
        await ask("GET", "/", app=app)
    span, attributes = only()
    assert attributes["error.type"] == error
    assert "http.response.status_code" not in attributes
    assert span.status.status_code is StatusCode.ERROR
    assert sample("count", status="0", error_type=error) == 1
    assert active() == 0


async def test_an_answer_that_breaks_off_is_an_error_whatever_its_status(ask: Any, only: Any, sample: Any) -> None:
    with pytest.raises(LookupError):
        await ask("GET", "/", app=dies_late)
    span, attributes = only()
    assert (attributes["http.response.status_code"], attributes["error.type"]) == (200, "LookupError")
    assert span.status.status_code is StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception"]
    assert sample("count", status="200", error_type="LookupError") == 1


async def test_a_stream_lasts_until_its_end_and_its_work_is_in_the_span(
    ask: Any, only: Any, sample: Any, active: Any
) -> None:
    seen: list[Any] = []

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(3):
            await asyncio.sleep(PAUSE / 3)
            seen.append((active(), trace.get_current_span().get_span_context().span_id))
            yield b"part"

    @get("/stream")
    async def stream() -> Stream:
        return Stream(parts())

    answer = await ask("GET", "/stream", app=Litestar([stream], openapi_config=None))
    assert answer.content == b"part" * 3
    span, _ = only()
    assert seen == [(1, span.context.span_id)] * 3
    assert sample("sum", route="/stream") >= PAUSE
    assert span.end_time - span.start_time >= PAUSE * 1e9
    assert active() == 0


async def test_work_after_the_answer_is_in_the_span_and_not_in_the_duration(ask: Any, only: Any, sample: Any) -> None:
    @get("/later")
    async def later() -> Response[None]:
        return Response(None, background=BackgroundTask(asyncio.sleep, PAUSE))

    await ask("GET", "/later", app=Litestar([later], openapi_config=None))
    span, _ = only()
    assert span.end_time - span.start_time >= PAUSE * 1e9
    assert sample("sum", route="/later") < PAUSE


async def test_concurrent_requests_do_not_mix(ask: Any, wrap: Any, spans: InMemorySpanExporter, active: Any) -> None:
    everybody = asyncio.Event()

    @get("/mine")
    async def mine() -> str:
        if active() == 20:
            everybody.set()
        await everybody.wait()
        return format(trace.get_current_span().get_span_context().trace_id, "032x")

    transport: Any = httpx.ASGITransport(wrap(Litestar([mine], openapi_config=None)))
    wanted = [f"{number:032x}" for number in range(1, 21)]
    async with httpx.AsyncClient(transport=transport, base_url="http://probe") as client:
        answers = await asyncio.gather(
            *(client.get("/mine", headers={"traceparent": f"00-{own}-b7ad6b7169203331-01"}) for own in wanted)
        )
    assert [answer.text for answer in answers] == wanted
    assert len(spans.get_finished_spans()) == 20
    assert active() == 0


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
async def test_what_is_no_http_passes_through(
    wrap: Any, spans: InMemorySpanExporter, registry: CollectorRegistry, kind: str
) -> None:
    passed: list[Any] = []

    async def inner(*arguments: Any) -> None:
        passed.append(arguments)

    arguments = ({"type": kind, "path": "/"}, object(), object())
    await wrap(inner)(*arguments)
    assert passed == [arguments]
    assert spans.get_finished_spans() == ()
    assert not [sample for family in registry.collect() for sample in family.samples]


async def test_a_client_that_goes_away_ends_span_and_gauge(serve: Any, only: Any, sample: Any, active: Any) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"more"
            await asyncio.sleep(0.01)

    @get("/endless")
    async def stream() -> Stream:
        return Stream(endless())

    async with serve(Litestar([stream], openapi_config=None)) as url, httpx.AsyncClient() as client:
        async with client.stream("GET", f"{url}/endless") as answer:
            assert await anext(answer.aiter_bytes())
            assert active() == 1
        end = time.monotonic() + 10
        while active():
            assert time.monotonic() < end, "the request never ended"
            await asyncio.sleep(0.01)
    span, attributes = only()
    assert attributes["http.response.status_code"] == 200
    assert "error.type" not in attributes, "a client may leave; that is no error of the server"
    assert span.status.status_code is StatusCode.UNSET
    assert sample("count", route="/endless") == 1
