"""What does not get in: unknown addresses, ambiguous messages, and everything that is only for inside."""

import aiohttp
import pytest

from tests.integration.gateway.native import Gateway, raw
from tests.integration.gateway.standin import StandIn

INTERNAL = [
    ("POST", "/reservations"),
    ("GET", "/reservations/1"),
    ("POST", "/reservations/1/confirm"),
    ("GET", "/users/1/contact"),
    ("POST", "/orders/1/confirm"),
    ("POST", "/orders/1/reject"),
    ("GET", "/products/1/availability"),
    ("GET", "/orders/schema/swagger"),
    ("GET", "/livez"),
    ("GET", "/metrics"),
    ("GET", "/"),
    ("GET", "/orders/"),
    ("GET", "/Orders"),
    ("GET", "/%6frders"),
]


@pytest.mark.parametrize(("method", "path"), INTERNAL)
async def test_what_is_not_in_the_table_does_not_exist(
    gateway: Gateway, standin: StandIn, method: str, path: str
) -> None:
    standin.seen.clear()
    status, answer = await raw(gateway.port, f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert status == 404, answer
    assert b"urn:stormglass:problem:no-such-resource" in answer
    assert standin.seen == []


async def test_a_wrong_method_hears_the_right_ones(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    async with http.delete(f"{gateway.base}/products") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS, PUT")
        assert (await answer.json())["type"] == "urn:stormglass:problem:method-not-allowed"


ODD = {
    "two hosts": (b"GET /products HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "no host": (b"GET /products HTTP/1.1\r\n\r\n", 400),
    "odd host": (b"GET /products HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    "encoded slash": (b"GET /products/a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "encoded backslash": (b"GET /products/a%5cb HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "backslash": (b"GET /products\\a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "nul": (b"GET /products/%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "newline": (b"GET /products/%0a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "dots": (b"GET /products/../orders HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "encoded dots": (b"GET /products/%2e%2E HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "half-encoded dots": (b"GET /products/.%2e/x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "double encoding": (b"GET /products/%252e HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "double slash": (b"GET /products//x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "non-ascii": ("GET /products/ä HTTP/1.1\r\nHost: a\r\n\r\n".encode(), 400),
    "bad percent": (b"GET /products/%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "asterisk": (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "long": (b"GET /products?q=" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "many headers": (b"GET /products HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 101 + b"\r\n", 431),
    "large headers": (b"GET /products HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 33000 + b"\r\n\r\n", 431),
    "two lengths": (b"POST /users HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400),
    "length and chunked": (
        b"POST /users HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "negative length": (b"POST /users HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
    "upgrade": (b"GET /products HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 400),
    "bytes that are no text": (b"GET /products HTTP/1.1\r\nHost: a\r\nX: \xff\xfe\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", ODD)
async def test_odd_messages_are_refused(gateway: Gateway, standin: StandIn, name: str) -> None:
    standin.seen.clear()
    request, wanted = ODD[name]
    status, answer = await raw(gateway.port, request)
    assert status == wanted, answer
    assert standin.seen == []


async def test_a_websocket_is_refused(gateway: Gateway) -> None:
    status, _ = await raw(
        gateway.port,
        b"GET /products HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    assert status in {400, 403}
