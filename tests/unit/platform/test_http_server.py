"""The platform's own part of its HTTP telemetry: its metrics. The rest is tests/unit/instrumentation/litestar's."""

from typing import Any

import httpx
import pytest
from litestar import Litestar, get
from litestar.params import FromPath
from litestar.types import ASGIApp, Receive, Scope, Send
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Tracer
from prometheus_client import REGISTRY

from stormglass.telemetry.http_server import HttpServerTelemetry

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@get("/things/{thing_id:int}", sync_to_thread=False)
def read_thing(thing_id: FromPath[int]) -> dict[str, int]:
    return {"thing": thing_id}


async def dies(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("before any answer")


async def request(tracer: Tracer, path: str, app: ASGIApp | None = None, **more: Any) -> httpx.Response:
    outer: Any = HttpServerTelemetry(app or Litestar([read_thing], openapi_config=None, logging_config=None), tracer)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(outer), base_url="http://probe") as client:
        return await client.get(path, **more)


@pytest.mark.parametrize(
    ("paths", "route", "status"),
    [(["/things/7", "/things/8"], "/things/{thing_id}", "200"), (["/nowhere/42", "/elsewhere"], "", "404")],
)
async def test_requests_are_counted_by_route(
    tracer: Tracer, spans: InMemorySpanExporter, growth: Any, paths: list[str], route: str, status: str
) -> None:
    labels = {"http_request_method": "GET", "http_route": route, "http_response_status_code": status}
    grown = growth("http_server_request_duration_seconds_count", **labels)
    for path in paths:
        await request(tracer, path)
    assert grown() == 2
    for span in spans.get_finished_spans():
        assert (span.name, span.kind) == (f"GET {route}".strip(), SpanKind.SERVER)


async def test_an_application_that_never_answers_is_counted_and_does_not_leak(
    tracer: Tracer, spans: InMemorySpanExporter, growth: Any
) -> None:
    labels = {"http_request_method": "GET", "http_route": "", "http_response_status_code": "0"}
    count = growth("http_server_request_duration_seconds_count", **labels)
    active = growth("http_server_active_requests", http_request_method="GET")
    with pytest.raises(RuntimeError, match="before any answer"):
        await request(tracer, "/", app=dies)
    (span,) = spans.get_finished_spans()
    assert (span.attributes or {})["error.type"] == "RuntimeError"
    assert count() == 1
    assert active() == 0


async def test_the_latency_carries_the_trace_as_its_exemplar(tracer: Tracer) -> None:
    await request(tracer, "/things/7", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    found = [
        sample.exemplar.labels["trace_id"]
        for family in REGISTRY.collect()
        if family.name == "http_server_request_duration_seconds"
        for sample in family.samples
        if sample.exemplar and sample.labels["http_route"] == "/things/{thing_id}"
    ]
    assert TRACE in found
