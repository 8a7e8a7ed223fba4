"""Request lines and connections: forms of the target, versions, pipelining, bodies that nobody waits for."""

import json

import pytest

from stormglass.testing import Platform
from tests.security.canary import Canary, everybody_gets_their_own, reached_a_gateway, subject
from tests.security.people import Person
from tests.security.wire import Answer, ask, exchange

pytestmark = pytest.mark.owasp("API8")


@pytest.mark.parametrize(
    "form",
    [
        "http://edge.test{path}",
        "http://other.test{path}",
        "HTTP://edge.test{path}",
        "http://edge.test:80{path}",
        "http://127.0.0.1:{admin}{path}",
        "http://user:password@edge.test{path}",
        "http://[::1]{path}",
        "http://{path}",
        "file://{path}",
        "ftp://other.test{path}",
    ],
)
def test_an_absolute_target_leads_nowhere_else(platform: Platform, form: str) -> None:
    """RFC 9112, section 3.2.2: it is accepted, as the path that it holds; the edge is no forward proxy."""
    canary, next_one = Canary(), Canary()
    target = form.format(path=canary.path, admin=platform.address("users:admin").rpartition(":")[2])
    request = f"GET {target} HTTP/1.1\r\n".encode() + canary.headers + b"\r\n"
    first, second = exchange(platform.address("edge"), request + next_one.request(close=True))
    assert (first.status, subject(first)) == (404, canary.path)
    assert (second.status, subject(second)) == (404, next_one.path)
    assert "other.test" not in str(first)


REFUSED_LINES = [
    b"GET edge.test:80 HTTP/1.1\r\n",
    b"GET %s\r\n",
    b"GET  %s HTTP/1.1\r\n",
    b"GET %s  HTTP/1.1\r\n",
    b"GET\t%s HTTP/1.1\r\n",
    b"GET\x0b%s HTTP/1.1\r\n",
    b" GET %s HTTP/1.1\r\n",
    b"GET %s HTTP/1.1 x\r\n",
    b"GET %s HTTP/1.1\r",
    b"GET %s HTTP/1.1\x00\r\n",
    b"GET %s HTTP/2.0\r\n",
    b"GET %s HTTP/3.0\r\n",
    b"GET %s HTTP/1.01\r\n",
    b"GET %s HTTP/11\r\n",
    b"GET %s http/1.1\r\n",
    b"GET %s HTTPS/1.1\r\n",
    b"GET %s\x00 HTTP/1.1\r\n",
    b"GET %s\x01 HTTP/1.1\r\n",
    b"GET %s\x7f HTTP/1.1\r\n",
    b"GET %s%%zz HTTP/1.1\r\n",
    b"GET %s%% HTTP/1.1\r\n",
    b"GET %s\\x HTTP/1.1\r\n",
    b"G(T %s HTTP/1.1\r\n",
    b"G\x00T %s HTTP/1.1\r\n",
    b"\xc7ET %s HTTP/1.1\r\n",
    b"%s\r\n",
]


@pytest.mark.parametrize("line", REFUSED_LINES)
def test_an_odd_request_line_is_refused(platform: Platform, line: bytes) -> None:
    attack, canary = Canary("attack"), Canary()
    first = line.replace(b"%s", attack.path.encode()).replace(b"%%", b"%")
    answers = exchange(platform.address("edge"), first + attack.headers + b"\r\n" + canary.request(close=True))
    assert answers[0].status in {400, 404, 505}
    assert answers[0].status != 404 or subject(answers[0]) not in {attack.path, canary.path}
    everybody_gets_their_own(platform.address("edge"), 2)


@pytest.mark.parametrize("target", ["127.0.0.1:{port}", "edge.test:80", "/products", "http://127.0.0.1:{port}/metrics"])
def test_no_tunnel_is_opened(platform: Platform, target: str) -> None:
    line = f"CONNECT {target} HTTP/1.1\r\n".format(port=platform.address("users:admin").rpartition(":")[2])
    canary = Canary()
    answers = exchange(platform.address("edge"), line.encode() + canary.headers + b"\r\n" + canary.request(close=True))
    assert answers[0].status in {400, 404, 405, 501}
    assert all(b"# HELP" not in answer.body for answer in answers)
    everybody_gets_their_own(platform.address("edge"), 2)


def test_http_1_0_is_answered_once_and_closed(platform: Platform) -> None:
    attack, canary = Canary("attack"), Canary()
    request = f"GET {attack.path} HTTP/1.0\r\n".encode() + attack.headers + b"\r\n"
    (answer,) = exchange(platform.address("edge"), request + canary.request(close=True))
    assert (answer.status, subject(answer)) == (404, attack.path)
    assert reached_a_gateway(platform, attack, canary) == ["attack"]


def test_http_1_0_has_no_chunks(platform: Platform) -> None:
    attack, passenger = Canary("attack"), Canary("passenger")
    head = f"POST {attack.path} HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n".encode()
    request = head + attack.headers + b"\r\n0\r\n\r\n" + passenger.request(close=True)
    answers = exchange(platform.address("edge"), request)
    assert passenger.path not in [subject(answer) for answer in answers]
    everybody_gets_their_own(platform.address("edge"))
    assert "passenger" not in reached_a_gateway(platform, attack, passenger)


def test_many_requests_at_once_are_answered_in_their_order(platform: Platform) -> None:
    asked = [Canary() for _ in range(200)]
    together = b"".join(each.request(close=each is asked[-1]) for each in asked)
    assert [subject(answer) for answer in exchange(platform.address("edge"), together)] == [a.path for a in asked]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "POST", "PUT"])
def test_a_body_that_nobody_waits_for_is_no_request(platform: Platform, customer: Person, method: str) -> None:
    """Whoever answers before he has read a body must not take the rest for the next request."""
    edge = platform.address("edge")
    for path in ("/nothing", "/products", "/users/me", "/tokens", "/orders"):
        passengers = [Canary("passenger") for _ in range(3)]
        body = b"".join(each.request() for each in passengers)
        for credential in ("", f"Authorization: Bearer {customer.token}\r\n"):
            head = f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{credential}"
            answer = _first(edge, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            assert answer.status in {204, 400, 401, 403, 404, 405, 411, 413, 415, 429}
            assert b"passenger" not in answer.body
        everybody_gets_their_own(edge, 3)
        assert reached_a_gateway(platform, *passengers) == []


def _first(edge: str, request: bytes) -> Answer:
    if request.startswith(b"HEAD"):
        request = request.replace(b"HEAD", b"OPTIONS", 1)
    return ask(edge, request)


def test_what_is_framed_well_arrives_whole(platform: Platform) -> None:
    """The control: an account made of chunks, with extensions and a trailer, is the one that was sent."""
    body = json.dumps(
        {"email": f"{Canary().token}@example.org", "password": "a good password", "name": "Chunk"}
    ).encode()
    chunks = b"".join(b"%x;n=%d\r\n%b\r\n" % (1, n, body[n : n + 1]) for n in range(len(body)))
    head = b"POST /users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    answer = ask(platform.address("edge"), head + b"Trailer: X-T\r\n\r\n" + chunks + b"0\r\nX-T: y\r\n\r\n")
    assert answer.status == 201, answer
    assert json.loads(answer.body)["name"] == "Chunk"
