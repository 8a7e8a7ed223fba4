"""What a service sees of a request, and a client of an answer."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from pydantic import SecretStr

from stormglass.security.identity import verify
from tests.integration.gateway.conftest import USER_SCOPES, Issue
from tests.integration.gateway.native import Gateway, eventually, raw
from tests.integration.gateway.standin import CHUNK, GZIPPED, StandIn

KEY = SecretStr("k" * 43)
PAST = {"Cache-Control": "no-store"}
"""Passes by the cache, which would ask the service without most of what these tests send."""


async def test_place_order_becomes_an_order_of_the_caller(
    gateway: Gateway, http: aiohttp.ClientSession, bearer: Issue
) -> None:
    headers = {**bearer("user-1"), "Idempotency-Key": "once", "X-Custom": "ä"}
    body = {"items": [{"product_id": "x", "quantity": 1}]}
    async with http.post(f"{gateway.base}/place-order?a=%20b", json=body, headers=headers) as answer:
        assert answer.status == 200
        seen = await answer.json()
    sent = {name.lower(): value for name, value in seen["headers"]}
    assert (seen["method"], seen["target"], json.loads(seen["body"])) == ("POST", "/orders?a=%20b", body)
    identity = verify(sent["x-stormglass-identity"], KEY)
    assert (identity.subject, identity.scopes) == ("user-1", frozenset(USER_SCOPES))
    assert sent["idempotency-key"] == "once"
    assert sent["x-custom"] == "ä"
    assert "authorization" not in sent
    assert 0 < int(sent["x-request-timeout-ms"]) <= 1300
    assert sent["x-request-id"] == answer.headers["X-Request-Id"]
    assert sent["traceparent"].split("-")[1] == answer.headers["X-Trace-Id"]
    assert answer.headers["ETag"] == '"v1"'
    assert not {"X-Stormglass-Identity", "X-Hop", "Server", "Keep-Alive"} & set(answer.headers)


async def test_what_a_client_may_not_say_goes_no_further(
    gateway: Gateway, http: aiohttp.ClientSession, bearer: Issue
) -> None:
    forged = {
        **PAST,
        "X-Stormglass-Identity": "forged",
        "x-STORMGLASS-anything": "forged",
        "X_Stormglass_Identity": "forged",
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Host": "forged",
        "Forwarded": "for=forged",
        "X-Real-Ip": "forged",
        "X-Request-Id": "forged",
        "Cookie": "session=forged",
        "Baggage": "forged=1",
        "Via": "1.1 forged",
        "Proxy-Authorization": "forged",
        "TE": "trailers",
        "Keep-Alive": "forged",
        "X-Hop": "forged",
        "Connection": "keep-alive, X-Hop, X-Stormglass-Identity",
    }
    async with http.get(f"{gateway.base}/products", headers=forged) as answer:
        assert answer.status == 200
        sent = {name.lower(): value for name, value in (await answer.json())["headers"]}
    assert not [name for name, value in sent.items() if "forged" in value or "10.0.0.1" in value]
    assert not {"x-stormglass-identity", "x-hop", "te", "connection"} & set(sent)
    async with http.get(f"{gateway.base}/products", headers={**forged, **bearer("user-2")}) as answer:
        identities = [v for n, v in (await answer.json())["headers"] if n.lower() == "x-stormglass-identity"]
    assert [verify(value, KEY).subject for value in identities] == ["user-2"]


@pytest.mark.owasp("API10")
async def test_a_redirect_is_the_client_s_business(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    address = f"{gateway.base}/products"
    async with http.get(address, headers={**PAST, "X-Test": "redirect"}, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/products/elsewhere")


async def test_bytes_pass_through_as_they_are(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{gateway.base}/products", headers={**PAST, "X-Test": "gzip"}) as answer:
        assert await answer.read() == GZIPPED
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Content-Length"] == str(len(GZIPPED))


async def test_an_answer_is_streamed(gateway: Gateway, http: aiohttp.ClientSession, standin: StandIn) -> None:
    standin.go_on.clear()
    async with http.get(f"{gateway.base}/products", headers={**PAST, "X-Test": "two-parts"}) as answer:
        assert await asyncio.wait_for(answer.content.readany(), 10) == b"first"
        standin.go_on.set()
        assert await answer.content.read() == b"second"


async def test_a_client_that_does_not_read_slows_the_service_down(gateway: Gateway, standin: StandIn) -> None:
    standin.sent = 0
    standin.cut_off.clear()
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=65536)
    writer.write(b"GET /products HTTP/1.1\r\nHost: x\r\nCache-Control: no-store\r\nX-Test: endless\r\n\r\n")

    async def settled() -> bool:
        before = standin.sent
        await asyncio.sleep(0.5)
        return standin.sent == before > 0

    await eventually(settled)
    held = standin.sent
    # kernel buffers of four sockets and a few chunks in two processes, however long one waits
    assert held < 32 * 1024 * 1024
    for _ in range(200):
        await reader.read(len(CHUNK))

    async def went_on() -> bool:
        return standin.sent > held

    await eventually(went_on)
    writer.transport.abort()
    # and when the client is gone the transfer ends, well before the route's 10 s are over
    await asyncio.wait_for(standin.cut_off.wait(), 5)


async def test_a_request_is_streamed(
    gateway: Gateway, http: aiohttp.ClientSession, standin: StandIn, bearer: Issue
) -> None:
    standin.received = 0

    async def body() -> AsyncIterator[bytes]:
        yield b"first"

        async def arrived() -> bool:
            return standin.received == 5

        # a gateway that collects the body first would never pass this point
        await eventually(arrived, seconds=8)
        yield b"second"

    headers = {**bearer("admin", ("products:write",)), "X-Test": "count"}
    async with http.put(f"{gateway.base}/products", data=body(), headers=headers) as answer:
        assert await answer.text() == "11"


async def test_bodies_have_limits(gateway: Gateway, http: aiohttp.ClientSession, bearer: Issue) -> None:
    async with http.post(f"{gateway.base}/users", data=b"x" * 20_000) as answer:
        assert answer.status == 413
        assert (await answer.json())["type"] == "urn:stormglass:problem:body-too-large"
    head = b"POST /users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"4000\r\n%s\r\n1\r\nx\r\n" % (b"x" * 0x4000)
    status, answered = await raw(gateway.port, head + chunks)
    assert status == 413, answered
    status, _ = await raw(gateway.port, b"GET /products HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
    assert status == 413


async def test_a_slow_client_is_given_up(gateway: Gateway) -> None:
    head = b"POST /users HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nX-Request-Timeout-Ms: 700\r\n\r\nabc"
    status, answered = await raw(gateway.port, head)
    assert status == 408
    assert b"connection: close" in answered.lower()


@pytest.mark.owasp("API10")
@pytest.mark.parametrize(
    ("deed", "status", "kind"),
    [
        ("slow-head", 504, "upstream-timeout"),
        ("break-head", 502, "upstream-broken"),
        ("balancer-504", 504, "upstream-timeout"),
    ],
)
async def test_failures_behind_are_problems(
    gateway: Gateway, http: aiohttp.ClientSession, deed: str, status: int, kind: str
) -> None:
    async with http.get(f"{gateway.base}/products", headers={**PAST, "X-Test": deed}) as answer:
        problem = await answer.json()
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert problem["type"] == f"urn:stormglass:problem:{kind}"
    assert (problem["status"], problem["instance"]) == (status, "/products")
    assert problem["trace_id"] == answer.headers["X-Trace-Id"]


async def test_a_service_s_own_problem_is_passed_on(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{gateway.base}/products", headers={**PAST, "X-Test": "teapot"}) as answer:
        assert (answer.status, (await answer.json())["type"]) == (409, "urn:x")


@pytest.mark.owasp("API10")
async def test_an_answer_that_breaks_is_not_completed(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{gateway.base}/products", headers={**PAST, "X-Test": "break-body"}) as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_an_order_that_was_sent_is_not_sent_again(
    gateway: Gateway, http: aiohttp.ClientSession, standin: StandIn, bearer: Issue
) -> None:
    standin.seen.clear()
    headers = {**bearer(), "Idempotency-Key": "k", "X-Test": "break-head"}
    async with http.post(f"{gateway.base}/orders", json={}, headers=headers) as answer:
        assert answer.status == 502
    assert standin.seen == [{"broke": True}]
