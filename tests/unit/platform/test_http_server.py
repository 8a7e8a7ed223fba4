from typing import Any

import httpx
import pytest
from litestar import Litestar, get
from litestar.params import FromPath
from litestar.types import ASGIApp, Receive, Scope, Send
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from prometheus_client import REGISTRY

from stormglass.telemetry.http_server import HttpServerTelemetry

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@get("/things/{thing_id:int}", sync_to_thread=False)
def read_thing(thing_id: FromPath[int]) -> dict[str, int]:
    return {"thing": thing_id}


@get("/broken", sync_to_thread=False)
def broken() -> None:
    raise RuntimeError


async def dies(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("before any answer")


async def request(tracer: Tracer, method: str, path: str, app: ASGIApp | None = None, **more: Any) -> httpx.Response:
    outer = HttpServerTelemetry(app or Litestar([read_thing, broken], openapi_config=None, logging_config=None))
    outer._tracer = tracer
    transport = httpx.ASGITransport(outer)  # type: ignore[arg-type]  # the same protocol under another name
    async with httpx.AsyncClient(transport=transport, base_url="http://probe") as client:
        return await client.request(method, path, **more)


def only(spans: InMemorySpanExporter) -> tuple[ReadableSpan, dict[str, Any]]:
    (span,) = spans.get_finished_spans()
    return span, dict(span.attributes or {})


async def test_the_route_is_the_template_and_never_the_path(
    tracer: Tracer, spans: InMemorySpanExporter, growth: Any
) -> None:
    labels = {
        "http_request_method": "GET",
        "http_route": "/things/{thing_id}",
        "http_response_status_code": "200",
    }
    grown = growth("http_server_request_duration_seconds_count", **labels)
    await request(tracer, "GET", "/things/7")
    await request(tracer, "GET", "/things/8")
    assert grown() == 2
    for span in spans.get_finished_spans():
        assert span.name == "GET /things/{thing_id}"
        assert (span.attributes or {})["http.route"] == "/things/{thing_id}"
        assert span.kind is SpanKind.SERVER
    everything = str([family.samples for family in REGISTRY.collect()])
    assert "/things/7" not in everything


async def test_attributes_of_a_good_answer(tracer: Tracer, spans: InMemorySpanExporter) -> None:
    await request(tracer, "GET", "/things/7?secret=1")
    span, attributes = only(spans)
    assert attributes == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "url.path": "/things/7",
        "network.protocol.version": "1.1",
        "http.route": "/things/{thing_id}",
        "http.response.status_code": 200,
    }
    assert span.status.status_code is StatusCode.UNSET


async def test_a_route_that_does_not_exist_has_no_route(
    tracer: Tracer, spans: InMemorySpanExporter, growth: Any
) -> None:
    labels = {"http_request_method": "GET", "http_route": "", "http_response_status_code": "404"}
    grown = growth("http_server_request_duration_seconds_count", **labels)
    assert (await request(tracer, "GET", "/nowhere/42")).status_code == 404
    span, attributes = only(spans)
    assert span.name == "GET"
    assert "http.route" not in attributes
    assert span.status.status_code is StatusCode.UNSET, "a client's mistake is no error of the server"
    assert grown() == 1


@pytest.mark.parametrize("method", ["PROPFIND", "get", "X" * 100])
async def test_a_client_cannot_choose_a_label(tracer: Tracer, spans: InMemorySpanExporter, method: str) -> None:
    outer = HttpServerTelemetry(Litestar([read_thing], openapi_config=None, logging_config=None))
    outer._tracer = tracer
    transport = httpx.ASGITransport(_with_method(outer, method))
    async with httpx.AsyncClient(transport=transport, base_url="http://probe") as client:
        response = await client.get("/things/7")
    assert 400 <= response.status_code < 500
    span, attributes = only(spans)
    assert attributes["http.request.method"] == "_OTHER"
    assert span.name.startswith("HTTP")
    assert f'"{method}"' not in str([family.samples for family in REGISTRY.collect()])


def _with_method(app: Any, method: str) -> Any:
    """As a server passes it on: httpx would write the method in capitals."""

    async def passed(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "method": method}, receive, send)

    return passed


async def test_the_span_continues_the_trace_of_the_request(tracer: Tracer, spans: InMemorySpanExporter) -> None:
    await request(tracer, "GET", "/things/7", headers={"TraceParent": f"00-{TRACE}-{PARENT}-01"})
    span, _ = only(spans)
    assert span.context is not None
    assert span.parent is not None
    assert format(span.context.trace_id, "032x") == TRACE
    assert format(span.parent.span_id, "016x") == PARENT
    assert span.parent.is_remote


@pytest.mark.parametrize("value", ["", "00-xyz", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01"])
async def test_a_malformed_parent_begins_a_trace(tracer: Tracer, spans: InMemorySpanExporter, value: str) -> None:
    await request(tracer, "GET", "/things/7", headers={"traceparent": value})
    span, _ = only(spans)
    assert span.parent is None


async def test_a_5xx_is_an_error(tracer: Tracer, spans: InMemorySpanExporter) -> None:
    assert (await request(tracer, "GET", "/broken")).status_code == 500
    span, attributes = only(spans)
    assert span.status.status_code is StatusCode.ERROR
    assert attributes["error.type"] == "500"


async def test_an_application_that_never_answers_is_counted_and_does_not_leak(
    tracer: Tracer, spans: InMemorySpanExporter, growth: Any
) -> None:
    count = growth(
        "http_server_request_duration_seconds_count",
        http_request_method="GET",
        http_route="",
        http_response_status_code="0",
    )
    active = growth("http_server_active_requests", http_request_method="GET")
    with pytest.raises(RuntimeError, match="before any answer"):
        await request(tracer, "GET", "/", app=dies)
    span, attributes = only(spans)
    assert attributes["error.type"] == "no_response"
    assert "http.response.status_code" not in attributes
    assert span.status.status_code is StatusCode.ERROR
    assert count() == 1
    assert active() == 0


async def test_the_latency_carries_the_trace_as_its_exemplar(tracer: Tracer, spans: InMemorySpanExporter) -> None:
    await request(tracer, "GET", "/things/7", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    found = [
        sample.exemplar.labels["trace_id"]
        for family in REGISTRY.collect()
        if family.name == "http_server_request_duration_seconds"
        for sample in family.samples
        if sample.exemplar and sample.labels["http_route"] == "/things/{thing_id}"
    ]
    assert TRACE in found
