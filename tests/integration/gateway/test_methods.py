"""HEAD and OPTIONS, which no service has to know."""

import aiohttp

from tests.integration.gateway.conftest import Issue
from tests.integration.gateway.native import Gateway, raw
from tests.integration.gateway.standin import StandIn


async def test_head_is_get_without_the_body(
    gateway: Gateway, http: aiohttp.ClientSession, standin: StandIn, bearer: Issue
) -> None:
    headers = {**bearer(), "X-Test": "gzip"}
    async with http.get(f"{gateway.base}/orders/7", headers=headers) as answer:
        whole = await answer.read()
        wanted = {name: answer.headers[name] for name in ("Content-Type", "Content-Encoding", "Content-Length")}
    async with http.head(f"{gateway.base}/orders/7", headers=headers) as answer:
        assert answer.status == 200
        assert await answer.read() == b""
        assert {name: answer.headers[name] for name in wanted} == wanted
    assert int(wanted["Content-Length"]) == len(whole)
    async with http.head(f"{gateway.base}/orders/7", headers=bearer()) as answer:
        assert answer.headers["ETag"] == '"v1"'
    assert standin.seen[-1]["method"] == "GET"


async def test_head_of_what_does_not_end(
    gateway: Gateway, http: aiohttp.ClientSession, standin: StandIn, bearer: Issue
) -> None:
    standin.cut_off.clear()
    async with http.head(f"{gateway.base}/orders/7", headers={**bearer(), "X-Test": "endless"}) as answer:
        assert answer.status == 200
    await standin.cut_off.wait()


async def test_the_connection_is_in_step_after_head(gateway: Gateway, standin: StandIn) -> None:
    request = b"HEAD /products HTTP/1.1\r\nHost: a\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    status, answer = await raw(gateway.port, request, heads=2)
    assert status == 200
    assert answer.count(b"HTTP/1.1 ") == 2
    assert b"\r\n\r\nHTTP/1.1 404 " in answer


async def test_problems_without_a_body(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    async with http.head(f"{gateway.base}/orders") as answer:
        assert (answer.status, await answer.read()) == (401, b"")
        assert answer.headers["Content-Type"] == "application/problem+json"
    async with http.head(f"{gateway.base}/place-order") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "OPTIONS, POST")


async def test_options_says_what_there_is(gateway: Gateway, http: aiohttp.ClientSession, standin: StandIn) -> None:
    standin.seen.clear()
    async with http.options(f"{gateway.base}/orders/7") as answer:
        assert (answer.status, answer.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")
        assert await answer.read() == b""
        assert "Content-Length" not in answer.headers
    # no other origin is told that it may do anything
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    async with http.options(f"{gateway.base}/orders", headers=preflight) as answer:
        assert answer.status == 204
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    async with http.options(f"{gateway.base}/nowhere") as answer:
        assert answer.status == 404
    assert standin.seen == []
    assert 'http_request_method="OPTIONS",http_response_status_code="204",http_route="/orders/{order_id}"' in (
        await gateway.metrics()
    )


async def test_what_is_never_done(gateway: Gateway) -> None:
    for method in (b"TRACE", b"PROPFIND"):
        status, _ = await raw(gateway.port, method + b" /orders HTTP/1.1\r\nHost: a\r\n\r\n")
        assert status == 405
