"""Methods and protocols: what a request is, its first line says, and nothing turns it into something else."""

import json

import pytest

from stormglass.testing import Platform
from tests.security.canary import Canary, everybody_gets_their_own, reached_a_gateway, subject
from tests.security.people import Person
from tests.security.wire import ask, exchange

pytestmark = pytest.mark.owasp("API8")

OVERRIDES = [
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
    "X_HTTP_METHOD_OVERRIDE",
    "X-Forwarded-Method",
]


@pytest.mark.owasp("API5")
@pytest.mark.parametrize("header", OVERRIDES)
def test_a_method_is_not_overridden(platform: Platform, customer: Person, goods: str, header: str) -> None:
    order = customer.order(goods)
    # a read that would become a change, and a change that would become another
    answer = customer.call("GET", f"/orders/{order['id']}", headers={header: "DELETE"})
    assert (answer.status_code, answer.json()["id"]) == (200, order["id"])
    before = customer.call("GET", "/users/me").json()
    for method, wanted in (("POST", "PATCH"), ("POST", "DELETE"), ("POST", "PUT"), ("TRACE", "PATCH")):
        answer = customer.call(method, "/users/me?_method=PATCH", {"name": "Evil"}, headers={header: wanted})
        assert answer.status_code == 405
    answer = customer.call("GET", "/users/me?_method=PATCH", headers={header: "PATCH"})
    assert (answer.status_code, answer.json()) == (200, before)
    answer = customer.call("POST", "/orders/x?_method=GET", {"_method": "GET"}, headers={header: "GET"})
    assert answer.status_code == 405


@pytest.mark.parametrize(
    "method",
    [
        "TRACE",
        "TRACK",
        "DEBUG",
        "CONNECT",
        "PROPFIND",
        "MOVE",
        "COPY",
        "LINK",
        "PURGE",
        "get",
        "Get",
        "GETX",
        "*",
        "BREW",
    ],
)
def test_an_unknown_method_is_refused(platform: Platform, method: str) -> None:
    canary = Canary()
    secret = "Authorization: Bearer secret-of-a-client\r\n"
    request = f"{method} /products HTTP/1.1\r\n{secret}Connection: close\r\n".encode() + canary.headers + b"\r\n"
    (answer,) = exchange(platform.address("edge"), request)
    assert answer.status in {400, 405, 501}
    # TRACE would repeat what was sent, credentials and all
    assert b"secret-of-a-client" not in answer.body
    everybody_gets_their_own(platform.address("edge"), 2)


_SOCKET = "Sec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

UPGRADES = {
    "websocket": "Connection: Upgrade\r\nUpgrade: websocket\r\n" + _SOCKET.format(version=13),
    "websocket of a version that is none": "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    + _SOCKET.format(version=1777),
    "websocket without a key": "Connection: Upgrade\r\nUpgrade: websocket\r\n",
    "websocket among others": "Connection: keep-alive, Upgrade\r\nUpgrade: foo, websocket\r\n",
    "websocket with a body": "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n",
    "h2c": "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
    "h2c, half": "Connection: Upgrade\r\nUpgrade: h2c\r\n",
    "h2c without Connection": "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
    "h2": "Connection: Upgrade\r\nUpgrade: h2\r\n",
    "tls": "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
    "something": "Connection: Upgrade\r\nUpgrade: something/1\r\n",
}


@pytest.mark.parametrize("name", UPGRADES)
@pytest.mark.parametrize("path", ["/products", "/orders", "/nothing"])
def test_no_connection_becomes_a_tunnel(platform: Platform, customer: Person, path: str, name: str) -> None:
    """After a refused upgrade the next bytes are still a request, to be judged as any other."""
    edge = platform.address("edge")
    hidden, canary = Canary("reservations"), Canary()
    head = f"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {customer.token}\r\n{UPGRADES[name]}\r\n"
    answers = exchange(edge, head.encode() + hidden.request() + canary.request(close=True))
    assert answers[0].status in {200, 400, 403, 404, 426}
    assert not answers[0].header("upgrade")
    if len(answers) > 1:
        assert [(answer.status, subject(answer)) for answer in answers[1:]] == [(404, hidden.path), (404, canary.path)]
    else:
        assert reached_a_gateway(platform, hidden, canary) == []
    everybody_gets_their_own(edge, 2)


def test_the_control_of_the_upgrades(platform: Platform) -> None:
    answer = ask(platform.address("edge"), b"GET /products HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert (answer.status, "items" in json.loads(answer.body)) == (200, True)
