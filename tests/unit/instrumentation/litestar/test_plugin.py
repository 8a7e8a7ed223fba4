"""The plugin instruments the whole application, as long as it runs."""

from typing import Any

import httpx
from litestar import Litestar, get
from litestar.testing import AsyncTestClient
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer

from stormglass.instrumentation.litestar import Instruments, LitestarInstrumentation


@get("/hello", sync_to_thread=False)
def hello() -> str:
    return "hello"


def application(tracer: Tracer, instruments: Instruments) -> Litestar:
    plugin = LitestarInstrumentation(tracer=tracer, instruments=instruments, exclude=["/health"])
    return Litestar([hello], plugins=[plugin], openapi_config=None, logging_config=None)


async def test_it_sees_what_no_middleware_sees(
    tracer: Tracer, instruments: Instruments, spans: InMemorySpanExporter, sample: Any
) -> None:
    async with AsyncTestClient(application(tracer, instruments)) as client:
        for method, path, status in [
            ("GET", "/hello", 200),
            ("GET", "/nowhere", 404),
            ("POST", "/hello", 405),
            ("GET", "/health", 404),
        ]:
            assert (await client.request(method, path)).status_code == status
    assert [span.name for span in spans.get_finished_spans()] == ["GET /hello", "GET", "POST"]
    assert sample("count", status="404") == 1
    assert sample("count", method="POST", status="405") == 1


async def test_it_is_there_once_however_often_the_application_starts(
    tracer: Tracer, instruments: Instruments, spans: InMemorySpanExporter
) -> None:
    app = application(tracer, instruments)
    before = app.asgi_handler
    for starts in (1, 2):
        async with AsyncTestClient(app) as client:
            await client.get("/hello")
        assert len(spans.get_finished_spans()) == starts
        assert app.asgi_handler is before


async def test_under_a_real_server(
    serve: Any, tracer: Tracer, instruments: Instruments, spans: InMemorySpanExporter
) -> None:
    async with serve(application(tracer, instruments)) as url, httpx.AsyncClient() as client:
        assert (await client.get(f"{url}/hello")).text == "hello"
        assert (await client.get(f"{url}/nowhere")).status_code == 404
    assert [span.name for span in spans.get_finished_spans()] == ["GET /hello", "GET"]
