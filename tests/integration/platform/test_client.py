import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import SecretStr

from stormglass import settings
from stormglass.resilience.deadline import DeadlineExceeded, deadline
from stormglass.runtime.ports import free_port
from stormglass.security.identity import Identity, verify
from stormglass.service.client import CallFailed, ServiceClient

pytestmark = pytest.mark.owasp("API10")

KEY = "k" * 64


class Other:
    """The service that is called: a real server, whose answers the test chooses by path."""

    def __init__(self) -> None:
        self.seen: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.asked = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        self.bodies.append(await request.read())
        self.asked.set()
        name = request.path.split("/")[1]
        if name == "slow":
            await asyncio.sleep(30)
        if name == "reset":
            assert request.transport is not None
            request.transport.abort()
        if name == "text":
            return web.Response(text="<html>")
        if name == "empty":
            return web.Response(status=204)
        if name == "moved":
            return web.Response(status=302, headers={"Location": "/json"})
        if name == "cookie":
            return web.json_response({}, headers={"Set-Cookie": "session=abc"})
        if name.isdecimal():
            return web.Response(status=int(name), text="not json" if name == "503" else '{"status": 1}')
        return web.json_response({"path": request.raw_path}, headers={"X-More": "yes"})


@pytest.fixture
async def other(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> AsyncIterator[Other]:
    made, port = Other(), free_port()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", made.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    (tmp_path / "identity_key").write_text(KEY)
    monkeypatch.setenv("STORMGLASS_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("STORMGLASS_ADDRESS_INTERNAL", f"127.0.0.1:{port}")
    settings.forget()
    yield made
    await runner.cleanup()
    settings.forget()


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
async def client(other: Other, spans: InMemorySpanExporter) -> AsyncIterator[ServiceClient]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    async with ServiceClient.open("orders") as made:
        made._tracer = provider.get_tracer("test")
        yield made


def only(spans: InMemorySpanExporter) -> tuple[ReadableSpan, dict[str, Any]]:
    (span,) = spans.get_finished_spans()
    return span, dict(span.attributes or {})


async def test_a_call_and_its_answer(client: ServiceClient, other: Other, spans: InMemorySpanExporter) -> None:
    answer = await client.call("products", "POST", "/json", json={"a": 1}, headers={"Idempotency-Key": "k1"})
    assert (answer.status, answer.body, answer.headers["x-more"]) == (200, {"path": "/json"}, "yes")
    assert other.bodies == [b'{"a": 1}']
    assert other.seen[0].headers["Idempotency-Key"] == "k1"
    span, attributes = only(spans)
    assert (span.name, span.kind, span.status.status_code) == ("POST /json", SpanKind.CLIENT, StatusCode.UNSET)
    assert attributes["http.response.status_code"] == 200
    assert attributes["peer.service"] == "products"


async def test_the_trace_goes_with_it(client: ServiceClient, other: Other, spans: InMemorySpanExporter) -> None:
    await client.call("products", "GET", "/json")
    context = only(spans)[0].context
    assert context is not None
    version, trace_id, span_id, _ = other.seen[0].headers["traceparent"].split("-")
    assert (version, trace_id, span_id) == ("00", f"{context.trace_id:032x}", f"{context.span_id:016x}")


async def test_the_identity_goes_with_it(client: ServiceClient, other: Other) -> None:
    user = Identity("u1", frozenset({"orders:read"}))
    await client.call("products", "GET", "/json", identity=user)
    await client.call("products", "GET", "/json")
    sent = [verify(request.headers["X-Stormglass-Identity"], SecretStr(KEY)) for request in other.seen]
    assert sent[0] == user
    assert sent[1] == Identity("service:orders", issuer="orders")


async def test_the_deadline_goes_with_it(client: ServiceClient, other: Other) -> None:
    await client.call("products", "GET", "/json")
    await client.call("products", "GET", "/json", limit_seconds=0.7)
    with deadline(1.0):
        await client.call("products", "GET", "/json")
    first, second, third = (int(request.headers["X-Request-Timeout-Ms"]) for request in other.seen)
    assert first == 3000
    assert second == 700
    assert 500 < third <= 1000


async def test_no_time_left_is_no_call(client: ServiceClient, other: Other) -> None:
    with deadline(0), pytest.raises(DeadlineExceeded):
        await client.call("products", "GET", "/json")
    assert other.seen == []


@pytest.mark.parametrize("status", [400, 404, 409, 422])
async def test_a_4xx_is_an_answer(client: ServiceClient, spans: InMemorySpanExporter, status: int) -> None:
    answer = await client.call("products", "GET", f"/{status}")
    assert (answer.status, answer.body) == (status, {"status": 1})
    span, attributes = only(spans)
    assert (span.status.status_code, attributes["error.type"]) == (StatusCode.ERROR, str(status))


@pytest.mark.parametrize("status", [500, 503, 504])
async def test_a_5xx_is_a_failure_whatever_its_body(
    client: ServiceClient, spans: InMemorySpanExporter, growth: Any, status: int
) -> None:
    grown = growth(
        "http_client_request_duration_seconds_count",
        server="products",
        http_request_method="GET",
        url_template=f"/{status}",
        http_response_status_code=str(status),
    )
    with pytest.raises(CallFailed, match=f"products: GET /{status} answered {status}") as caught:
        await client.call("products", "GET", f"/{status}")
    assert caught.value.status == status
    assert grown() == 1
    assert only(spans)[1]["error.type"] == str(status)


async def test_a_slow_answer_is_given_up(client: ServiceClient, spans: InMemorySpanExporter, growth: Any) -> None:
    grown = growth(
        "http_client_request_duration_seconds_count",
        server="products",
        http_request_method="GET",
        url_template="/slow",
        http_response_status_code="0",
    )
    begun = time.perf_counter()
    with deadline(0.3), pytest.raises(CallFailed, match=r"no answer within 0\.[23]\d* s") as caught:
        await client.call("products", "GET", "/slow")
    assert time.perf_counter() - begun < 2
    assert caught.value.status == 0
    assert grown() == 1
    span, attributes = only(spans)
    assert span.status.status_code is StatusCode.ERROR
    assert attributes["error.type"] == "TimeoutError"


async def test_a_reset_is_a_failure(client: ServiceClient) -> None:
    with pytest.raises(CallFailed, match="products: POST /reset: "):
        await client.call("products", "POST", "/reset")


async def test_nobody_there_is_a_failure(client: ServiceClient, spans: InMemorySpanExporter) -> None:
    client._base = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(CallFailed, match="Cannot connect") as caught:
        await client.call("products", "GET", "/json")
    assert (caught.value.server, caught.value.status) == ("products", 0)
    assert only(spans)[0].status.status_code is StatusCode.ERROR


async def test_a_redirect_is_not_followed(client: ServiceClient, other: Other) -> None:
    answer = await client.call("products", "GET", "/moved")
    assert (answer.status, answer.headers["location"]) == (302, "/json")
    assert len(other.seen) == 1


async def test_an_answer_that_is_no_json_is_a_failure(client: ServiceClient) -> None:
    with pytest.raises(CallFailed, match="GET /text: the answer is not JSON") as caught:
        await client.call("products", "GET", "/text")
    assert caught.value.status == 200


async def test_no_content(client: ServiceClient) -> None:
    answer = await client.call("products", "DELETE", "/empty")
    assert (answer.status, answer.body) == (204, None)


@pytest.mark.parametrize("value", ["../admin", "a/b", "a?b=c", "a#b", "a b", "%2e%2e", "ü", "..%2f.."])
async def test_a_value_cannot_leave_its_segment(
    client: ServiceClient, other: Other, spans: InMemorySpanExporter, value: str
) -> None:
    await client.call("products", "GET", "/json/{id}/end", path={"id": value})
    (request,) = other.seen
    assert request.raw_path.startswith("/json/")
    assert request.raw_path.endswith("/end")
    assert request.raw_path.count("/") == 3
    assert request.query_string == ""
    assert only(spans)[1]["url.template"] == "/json/{id}/end"
    assert only(spans)[0].name == "GET /json/{id}/end"


@pytest.mark.parametrize("value", ["", ".", ".."])
async def test_a_value_that_is_no_segment_is_refused(client: ServiceClient, other: Other, value: str) -> None:
    with pytest.raises(ValueError, match="cannot be put into"):
        await client.call("products", "GET", "/json/{id}", path={"id": value})
    assert other.seen == []


async def test_cookies_are_not_kept(client: ServiceClient, other: Other) -> None:
    await client.call("products", "GET", "/cookie")
    await client.call("products", "GET", "/json")
    assert "Cookie" not in other.seen[1].headers


async def test_a_cancelled_call_is_counted_and_its_connection_is_not_used_again(
    client: ServiceClient, other: Other
) -> None:
    task = asyncio.create_task(client.call("products", "GET", "/slow"))
    await other.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await client.call("products", "GET", "/json")).status == 200
