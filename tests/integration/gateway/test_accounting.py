"""What is left of a request: spans, one log line, metrics; and what must not be in them."""

import aiohttp
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from stormglass.resilience import deadline
from tests.integration.gateway.conftest import Issue
from tests.integration.gateway.native import Gateway, eventually, raw
from tests.integration.gateway.standin import StandIn

TRACE = "0af7651916cd43dd8448eb211c80319c"


def _attributes(span: Span) -> dict[str, str]:
    return {each.key: each.value.string_value or str(each.value.int_value) for each in span.attributes}


async def test_one_request_is_one_trace(
    gateway: Gateway, http: aiohttp.ClientSession, standin: StandIn, bearer: Issue
) -> None:
    parent = f"00-{TRACE}-b7ad6b7169203331-01"
    headers = {**bearer("user-9"), "traceparent": parent, "X-Forwarded-For": "192.0.2.99"}
    async with http.get(f"{gateway.base}/orders/42?secret=hidden", headers=headers) as answer:
        sent = {name.lower(): value for name, value in (await answer.json())["headers"]}

    async def complete() -> dict[str, Span]:
        spans = [span for span in standin.spans if span.trace_id.hex() == TRACE]
        return {Span.SpanKind.Name(s.kind) + " " + s.name: s for s in spans} if len(spans) >= 3 else {}

    spans = await eventually(complete)
    route = "GET /orders/{order_id}"
    assert set(spans) == {f"SPAN_KIND_SERVER {route}", f"SPAN_KIND_CLIENT {route}", "SPAN_KIND_CLIENT PIPELINE"}
    server, client = spans[f"SPAN_KIND_SERVER {route}"], spans[f"SPAN_KIND_CLIENT {route}"]
    asked = spans["SPAN_KIND_CLIENT PIPELINE"]
    assert server.parent_span_id.hex() == "b7ad6b7169203331"
    assert client.parent_span_id == asked.parent_span_id == server.span_id
    assert sent["traceparent"] == f"00-{TRACE}-{client.span_id.hex()}-01"
    assert _attributes(server)["http.route"] == "/orders/{order_id}"
    assert _attributes(client)["server.address"] == "orders"
    assert _attributes(client)["http.response.status_code"] == "200"
    assert _attributes(asked)["db.query.summary"] == "SET INCR"
    for span in spans.values():
        text = str(span)
        assert "hidden" not in text
        assert "192.0.2.99" not in text
        assert "Bearer" not in text


async def test_one_line_a_request(
    gateway: Gateway, http: aiohttp.ClientSession, standin: StandIn, bearer: Issue
) -> None:
    before = len(gateway.lines())
    token = bearer("user-10")
    headers = {**token, "X-Forwarded-For": "192.0.2.98", "Idempotency-Key": "k"}
    async with http.post(f"{gateway.base}/place-order?mail=a@example.org", data=b"12345", headers=headers) as answer:
        length = len(await answer.read())
        request_id = answer.headers["X-Request-Id"]
        trace_id = answer.headers["X-Trace-Id"]
    async with http.get(f"{gateway.base}/nowhere/a@example.org"):
        pass
    await raw(gateway.port, b"GET /products HTTP/1.1\r\nHost: a b\r\n\r\n")

    async def written() -> bool:
        return len(gateway.lines()) >= before + 3

    await eventually(written)
    order, nowhere, odd = gateway.lines()[before:]
    wanted = {
        "method": "POST",
        "route": "/place-order",
        "status": 200,
        "caller": "user-10",
        "credential": "bearer",
        "bytes_in": 5,
        "bytes_out": length,
        "upstream": "orders",
        "request_id": request_id,
        "trace_id": trace_id,
    }
    assert {name: order[name] for name in wanted} == wanted
    assert order["duration_ms"] > 0
    assert (nowhere["status"], nowhere["route"], nowhere["caller"]) == (404, "", "anonymous")
    assert nowhere["credential"] == "none"
    assert (odd["status"], odd["route"]) == (400, "")
    text = gateway.log.read_text()
    for secret in (token["Authorization"][7:], "192.0.2.98", "example.org"):
        assert secret not in text


async def test_metrics_know_templates_only(gateway: Gateway, http: aiohttp.ClientSession, bearer: Issue) -> None:
    async with http.get(f"{gateway.base}/orders/4711", headers=bearer()):
        pass
    async with http.get(f"{gateway.base}/nobody/4711"):
        pass
    metrics = await gateway.metrics()
    assert 'http_response_status_code="200",http_route="/orders/{order_id}"' in metrics
    assert 'http_response_status_code="404",http_route=""' in metrics
    assert 'server="orders",url_template="/orders/{order_id}"' in metrics
    assert "4711" not in metrics
    assert 'gateway_token_cache_requests_total{result="miss"}' in metrics


async def test_a_request_whose_time_is_up_is_counted(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    def counted(metrics: str) -> float:
        (line,) = (line for line in metrics.splitlines() if line.startswith('deadline_exceeded_total{where="gateway"}'))
        return float(line.split()[1])

    before = counted(await gateway.metrics())
    async with http.get(f"{gateway.base}/products?q=late", headers={deadline.HEADER: "1"}) as answer:
        assert answer.status == 504
    assert counted(await gateway.metrics()) == before + 1
