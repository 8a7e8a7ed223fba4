"""A client's faults are his own: nothing that he does makes the edge take a gateway, or a service, for broken."""

import socket
from collections.abc import Callable

import pytest

from stormglass.testing import Platform
from tests.security.canary import Canary, everybody_gets_their_own
from tests.security.http2 import END_HEADERS, END_STREAM, HEADERS, PREFACE, RESET, SETTINGS, frame, literal, request
from tests.security.people import Client, Person

pytestmark = [pytest.mark.owasp("API4"), pytest.mark.owasp("API8")]

Attack = Callable[[str, str], None]


def _connect(edge: str) -> socket.socket:
    host, _, port = edge.rpartition(":")
    return socket.create_connection((host, int(port)), 10)


def _send_and_read(request_bytes: bytes) -> Attack:
    def attack(edge: str, token: str) -> None:
        for _ in range(15):
            with _connect(edge) as sock:
                sock.sendall(request_bytes.replace(b"%t", token.encode()))
                sock.recv(4096)

    return attack


def _send_and_leave(request_bytes: bytes, times: int = 15) -> Attack:
    def attack(edge: str, token: str) -> None:
        for _ in range(times):
            with _connect(edge) as sock:
                sock.sendall(request_bytes.replace(b"%t", token.encode()))

    return attack


def _reset_streams(edge: str, token: str) -> None:
    block = b"".join(literal(*field) for field in request(b"/products"))
    with _connect(edge) as sock:
        sock.sendall(PREFACE + frame(SETTINGS, 0, 0))
        for stream in range(1, 600, 2):
            sock.sendall(
                frame(HEADERS, END_HEADERS | END_STREAM, stream, block) + frame(RESET, 0, stream, b"\x00\x00\x00\x08")
            )


_ORDER = b"POST /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %t\r\nContent-Type: application/json\r\n"

ATTACKS: dict[str, Attack] = {
    "malformed chunks": _send_and_read(
        b"POST /tokens HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"
    ),
    "malformed chunks after good ones": _send_and_read(
        _ORDER + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\nxyz\r\n",
    ),
    "bodies that break off": _send_and_leave(_ORDER + b'Content-Length: 500\r\n\r\n{"items": ['),
    "chunked bodies that break off": _send_and_leave(_ORDER + b'Transfer-Encoding: chunked\r\n\r\n9\r\n{"items":\r\n'),
    "bodies that are too large": _send_and_read(
        _ORDER + b"Transfer-Encoding: chunked\r\n\r\n" + b"fff0\r\n%b\r\n" % (b"x" * 0xFFF0) * 3 + b"0\r\n\r\n"
    ),
    "deadlines that are over": _send_and_read(b"GET /products HTTP/1.1\r\nHost: a\r\nX-Request-Timeout-Ms: 1\r\n\r\n"),
    "deadlines that are over, inside": _send_and_read(
        b"GET /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %t\r\nX-Request-Timeout-Ms: 5\r\n\r\n"
    ),
    "clients that leave at once": _send_and_leave(b"GET /products HTTP/1.1\r\nHost: a\r\n\r\n", times=300),
    "clients that leave at once, known": _send_and_leave(
        b"GET /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %t\r\n\r\n", times=300
    ),
    "streams that are reset": _reset_streams,
    "codings that nobody knows": _send_and_read(b"POST /tokens HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n"),
    "tunnels": _send_and_read(b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
    "expectations": _send_and_read(b"POST /tokens HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 2\r\n\r\n{}"),
    "other protocols": _send_and_read(
        b"GET /products HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_the_others_are_served(platform: Platform, customer: Person, stranger: Person, name: str) -> None:
    edge = platform.address("edge")
    ATTACKS[name](edge, customer.token)
    everybody_gets_their_own(edge, 20)
    with Client(platform.base_url) as anybody:
        for _ in range(5):
            assert anybody.call("GET", "/products").status_code == 200
            assert stranger.call("GET", "/orders").status_code == 200
            assert stranger.call("GET", "/users/me").status_code == 200
            # an answer that no cache can have
            assert anybody.call("GET", f"/products?limit=1&x={Canary().token}").status_code == 200
