"""An instrumented application, asked over ASGI or over a connection."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from litestar import Litestar, get
from litestar.params import FromPath
from litestar.types import ASGIApp
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry

from stormglass.instrumentation.litestar import HttpServerInstrumentation, Instruments, LitestarInstrumentation

Ask = Callable[..., Awaitable[httpx.Response]]


@get("/things/{thing_id:int}", sync_to_thread=False)
def read_thing(thing_id: FromPath[int]) -> dict[str, int]:
    return {"thing": thing_id}


@get("/broken", sync_to_thread=False)
def broken() -> None:
    raise RuntimeError


@pytest.fixture
def instruments(registry: CollectorRegistry) -> Instruments:
    return Instruments.create(registry)


@pytest.fixture
def wrap(tracer: Tracer, instruments: Instruments) -> Callable[..., HttpServerInstrumentation]:
    def wrapped(app: ASGIApp, **options: Any) -> HttpServerInstrumentation:
        return HttpServerInstrumentation(app, **{"tracer": tracer, "instruments": instruments, **options})

    return wrapped


@pytest.fixture
def ask(wrap: Callable[..., HttpServerInstrumentation]) -> Ask:
    """`await ask("GET", "/path", app=…, exclude=…)`: one request to an instrumented application."""

    async def asked(method: str, path: str, app: Any = None, headers: Any = None, **options: Any) -> httpx.Response:
        inner = app or Litestar([read_thing, broken], openapi_config=None, logging_config=None)

        async def verbatim(scope: Any, receive: Any, send: Any) -> None:
            # httpx writes methods in capitals; a server passes on what was sent
            await outer({**scope, "method": method}, receive, send)

        outer: Any = wrap(inner, **options)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(verbatim), base_url="http://probe") as client:
            return await client.request(method, path, headers=headers)

    return asked


@pytest.fixture
def only(spans: InMemorySpanExporter) -> Callable[[], tuple[ReadableSpan, dict[str, Any]]]:
    """The one span there is, and its attributes."""

    def found() -> tuple[ReadableSpan, dict[str, Any]]:
        (span,) = spans.get_finished_spans()
        return span, dict(span.attributes or {})

    return found


@pytest.fixture
def sample(registry: CollectorRegistry) -> Callable[..., float | None]:
    """`sample("count", route="/…")`: a value of the histogram, by labels without their long prefixes."""
    names = {"method": "http_request_method", "route": "http_route", "status": "http_response_status_code"}
    usual = {"method": "GET", "route": "", "status": "200", "url_scheme": "http", "error_type": ""}

    def value(suffix: str, **labels: str) -> float | None:
        merged = {names.get(name, name): text for name, text in {**usual, **labels}.items()}
        return registry.get_sample_value(f"http_server_request_duration_seconds_{suffix}", merged)

    return value


@pytest.fixture
def serve(wrap: Callable[..., HttpServerInstrumentation]) -> Callable[[Litestar], Any]:
    """`async with serve(app) as url`: uvicorn, on a port below those that outgoing connections get.

    An application without the plugin is wrapped.
    """

    @asynccontextmanager
    async def served(app: Litestar) -> AsyncIterator[str]:
        instrumented: Any = app if any(isinstance(p, LitestarInstrumentation) for p in app.plugins) else wrap(app)
        config = uvicorn.Config(instrumented, log_config=None, lifespan="on", timeout_graceful_shutdown=5)
        server = uvicorn.Server(config)
        with listening() as sock:
            running = asyncio.create_task(server.serve([sock]))
            try:
                # no port is needed to be guessed: the socket listens already
                yield f"http://127.0.0.1:{sock.getsockname()[1]}"
            finally:
                server.should_exit = True
                await running

    return served


def listening() -> socket.socket:
    for port in range(28000, 28100):
        sock = socket.socket()
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            sock.close()
            continue
        sock.listen()
        return sock
    raise AssertionError("every port from 28000 to 28099 is taken")
