"""HTTP/2 without TLS, which the edge understands: what becomes HTTP/1.1 behind it stays one request."""

import json
import socket

import pytest

from stormglass.testing import Platform
from tests.security.canary import Canary, everybody_gets_their_own, reached_a_gateway
from tests.security.http2 import (
    CONTINUATION,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PREFACE,
    RESET,
    SETTINGS,
    Fields,
    exchange,
    frame,
    literal,
    request,
)
from tests.security.wire import ask

pytestmark = pytest.mark.owasp("API8")

HTTP1 = b"0\r\n\r\n%s"

BAD: dict[str, tuple[Fields, bytes | None]] = {
    "length shorter than body": ([(b"content-length", b"5")], HTTP1),
    "length longer than body": ([(b"content-length", b"5000")], HTTP1),
    "length twice": ([(b"content-length", b"5"), (b"content-length", b"0")], HTTP1),
    "length is no number": ([(b"content-length", b"5, 5")], HTTP1),
    "transfer-encoding": ([(b"transfer-encoding", b"chunked")], HTTP1),
    "transfer-encoding, identity": ([(b"transfer-encoding", b"identity")], HTTP1),
    "connection": ([(b"connection", b"close")], None),
    "keep-alive": ([(b"keep-alive", b"timeout=1")], None),
    "proxy-connection": ([(b"proxy-connection", b"x")], None),
    "upgrade": ([(b"upgrade", b"h2c")], None),
    "te": ([(b"te", b"gzip")], None),
    "CRLF in a value": ([(b"x", b"y\r\ntransfer-encoding: chunked")], HTTP1),
    "LF in a value": ([(b"x", b"y\n\n%s")], None),
    "CR in a value": ([(b"x", b"y\r")], None),
    "NUL in a value": ([(b"x", b"y\x00")], None),
    "CRLF in a name": ([(b"x: y\r\nz", b"1")], None),
    "colon in a name": ([(b"transfer-encoding: chunked", b"1")], HTTP1),
    "space in a name": ([(b"content-length ", b"1")], HTTP1),
    "capitals in a name": ([(b"Transfer-Encoding", b"chunked")], HTTP1),
    "empty name": ([(b"", b"1")], None),
    "pseudo field after others": ([(b"x", b"y"), (b":path", b"/x")], None),
    "unknown pseudo field": ([(b":x", b"y")], None),
    "path twice": ([(b":path", b"/%s")], None),
}


@pytest.mark.parametrize("name", BAD)
def test_a_malformed_request_is_refused(platform: Platform, name: str) -> None:
    edge = platform.address("edge")
    attack, passenger = Canary("attack"), Canary("passenger")
    more, body = BAD[name]
    inside = passenger.request()
    sent = None if body is None else body.replace(b"%s", inside)
    fields = [(key, value.replace(b"%s", inside)) for key, value in more]
    outcome = exchange(edge, request(attack.path.encode(), fields, method=b"GET" if sent is None else b"POST"), sent)
    assert b"urn:stormglass" not in outcome.body, outcome
    everybody_gets_their_own(edge)
    assert reached_a_gateway(platform, passenger) == []


@pytest.mark.parametrize(
    "pseudo",
    [
        {"path": b"/x HTTP/1.1\r\nX: y"},
        {"path": b""},
        {"path": b"x"},
        {"method": b"GET /x HTTP/1.1\r\nX:"},
        {"method": b""},
        {"authority": b"a\r\nX: y"},
        {"authority": b"u@a/b"},
        {"scheme": b"http://edge.test/reservations?"},
        {"scheme": b"file"},
    ],
)
def test_a_line_is_not_written_by_its_parts(platform: Platform, pseudo: dict[str, bytes]) -> None:
    pseudo = dict(pseudo)
    path = pseudo.pop("path", Canary().path.encode())
    outcome = exchange(platform.address("edge"), request(path, [], **pseudo))
    assert outcome.ended in {"reset", "connection"} or b'"status":40' in outcome.body, outcome
    everybody_gets_their_own(platform.address("edge"), 4)


def test_a_good_one_is_answered(platform: Platform) -> None:
    """The control."""
    canary = Canary()
    outcome = exchange(platform.address("edge"), request(canary.path.encode(), [(b"x", b"y")], method=b"POST"), b"{}")
    assert (outcome.ended, json.loads(outcome.body)["instance"]) == ("answered", canary.path)


def _connection(platform: Platform) -> socket.socket:
    host, _, port = platform.address("edge").rpartition(":")
    sock = socket.create_connection((host, int(port)), 10)
    sock.sendall(PREFACE + frame(SETTINGS, 0, 0))
    return sock


@pytest.mark.owasp("API4")
def test_streams_that_are_reset_at_once_hold_nobody_up(platform: Platform) -> None:
    block = b"".join(literal(*field) for field in request(Canary().path.encode()))
    storm = b"".join(
        frame(HEADERS, END_HEADERS | END_STREAM, stream, block) + frame(RESET, 0, stream, b"\x00\x00\x00\x08")
        for stream in range(1, 4000, 2)
    )
    with _connection(platform) as sock:
        _send(sock, storm)
        everybody_gets_their_own(platform.address("edge"), 20)


@pytest.mark.owasp("API4")
def test_headers_that_never_end_are_cut_off(platform: Platform) -> None:
    with _connection(platform) as sock:
        sock.sendall(frame(HEADERS, 0, 1, b"".join(literal(*field) for field in request(Canary().path.encode()))))
        block = b"".join(literal(b"x-%d" % number, b"y" * 400) for number in range(30))
        assert any(_send(sock, frame(CONTINUATION, 0, 1, block)) for _ in range(2000)), "24 MB of headers were taken"
    assert ask(platform.address("edge"), Canary().request(close=True)).status == 404


def _send(sock: socket.socket, data: bytes) -> bool:
    """Whether the server did not want to hear it."""
    try:
        sock.sendall(data)
    except OSError:
        return True
    return False
