"""Identity spoofing: who somebody is, and where a request came from, is never what the request says of itself."""

import json
from itertools import pairwise

import pytest

from stormglass.security.identity import HEADER
from stormglass.testing import Platform
from tests.security.canary import Canary, subject
from tests.security.people import Person
from tests.security.wire import Answer, ask, exchange

pytestmark = pytest.mark.owasp("API2")

SPELLINGS = {
    "as it is": f"{HEADER}: %s\r\n",
    "lower case": f"{HEADER.lower()}: %s\r\n",
    "upper case": f"{HEADER.upper()}: %s\r\n",
    "underscores": f"{HEADER.replace('-', '_')}: %s\r\n",
    "one underscore": "X-Stormglass_Identity: %s\r\n",
    "dots": f"{HEADER.replace('-', '.')}: %s\r\n",
    "twice": f"{HEADER}: %s\r\n{HEADER}: %s\r\n",
    "twice, once with underscores": f"{HEADER}: x\r\n{HEADER.replace('-', '_')}: %s\r\n",
    "named in Connection": f"Connection: close, {HEADER}\r\n{HEADER}: %s\r\n",
    "named in Connection, not sent": f"Connection: close, {HEADER}\r\n",
    "named in Proxy-Connection": f"Proxy-Connection: {HEADER}\r\n{HEADER}: %s\r\n",
    "folded": f"{HEADER}:\r\n %s\r\n",
    "behind a bare LF": f"X: y\n{HEADER}: %s\r\n",
    "empty": f"{HEADER}:\r\n",
    "other names": "X-Stormglass-User: %s\r\nX-Stormglass-Subject: %s\r\nX-User-Id: %s\r\nX-Remote-User: %s\r\n",
    "CGI names": "REMOTE_USER: %s\r\nHTTP_X_STORMGLASS_IDENTITY: %s\r\n",
    "client certificate": "X-Forwarded-Tls-Client-Cert: %s\r\nX-Forwarded-User: %s\r\nX-Auth-Request-User: %s\r\n",
}


def _me(platform: Platform, fields: str, method: str = "GET", path: str = "/users/me") -> Answer:
    return ask(
        platform.address("edge"), f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n".encode()
    )


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_signed_identity_from_outside_is_worth_nothing(
    platform: Platform, customer: Person, stranger: Person, spelling: str
) -> None:
    # worse than what an attacker can have: a signature that every service would believe
    stolen = [
        platform.identity(stranger.id, ("profile:read", "admin", "account")),
        platform.identity("service:worker", ("orders:confirm",), issuer="worker"),
    ]
    for identity in stolen:
        fields = SPELLINGS[spelling].replace("%s", identity)
        assert _me(platform, fields).status == 401
        answer = _me(platform, f"{fields}Authorization: Bearer {customer.token}\r\n")
        assert (answer.status, json.loads(answer.body)["id"]) == (200, customer.id)


def test_an_identity_in_a_trailer_is_worth_nothing(platform: Platform, stranger: Person) -> None:
    identity = platform.identity(stranger.id, ("profile:write", "account"))
    head = "PATCH /users/me HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"
    head += f"Transfer-Encoding: chunked\r\nTrailer: {HEADER}, Authorization\r\n\r\n"
    body = f'f\r\n{{"name":"Evil"}}\r\n0\r\n{HEADER}: {identity}\r\nAuthorization: Bearer {stranger.token}\r\n\r\n'
    assert ask(platform.address("edge"), (head + body).encode()).status == 401
    assert stranger.call("GET", "/users/me").json()["name"] != "Evil"


@pytest.mark.parametrize("named", ["Authorization", "X-API-Key", "Cookie", "Host", "X-Forwarded-For", "Content-Length"])
def test_connection_strips_nothing_that_decides(
    platform: Platform, customer: Person, stranger: Person, named: str
) -> None:
    # either the field is gone and nobody is identified, or it counts: never another person's answer
    answer = _me(platform, f"Connection: {named}\r\nAuthorization: Bearer {customer.token}\r\n")
    assert answer.status in {200, 400, 401}
    if answer.status == 200:
        assert json.loads(answer.body)["id"] == customer.id


ELSEWHERE = [
    "X-Original-URL: /products",
    "X-Rewrite-URL: /products",
    "X-Original-URI: /products",
    "X-Forwarded-Uri: /products",
    "X-Forwarded-Path: /products",
    "X-Forwarded-Prefix: /products",
    "X-Forwarded-Method: POST",
    "X-Forwarded-Host: products",
    "X-Forwarded-Server: evil.test",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Scheme: https",
    "X-Forwarded-Port: 443",
    "X-Forwarded-Ssl: on",
    "X-Host: evil.test",
    "X-HTTP-Host-Override: evil.test",
    "Forwarded: for=10.0.0.1;host=evil.test;proto=https",
    "X-Envoy-Original-Path: /products",
    "X-Accel-Redirect: /products",
    "X-Sendfile: /etc/passwd",
    "X-Custom-IP-Authorization: 127.0.0.1",
    "X-Traefik-Router: dashboard@file",
    "Destination: http://127.0.0.1/products",
]


@pytest.mark.parametrize("field", ELSEWHERE)
def test_no_header_leads_elsewhere(platform: Platform, field: str) -> None:
    canary = Canary()
    (answer,) = exchange(platform.address("edge"), canary.request(close=True, more=field.encode() + b"\r\n"))
    assert (answer.status, subject(answer)) == (404, canary.path)
    assert b"evil.test" not in answer.body
    assert "evil.test" not in str(answer.fields)


ADDRESSES = [
    "X-Forwarded-For: 10.0.0.%d",
    "X-Forwarded-For: 10.0.0.%d, 10.0.0.1",
    "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.1.0.%d",
    "x_forwarded_for: 10.0.0.%d",
    "X_Forwarded_For: 10.0.0.%d",
    "X-Real-Ip: 10.0.0.%d",
    "X-Client-Ip: 10.0.0.%d",
    "True-Client-Ip: 10.0.0.%d",
    "CF-Connecting-Ip: 10.0.0.%d",
    "X-Cluster-Client-Ip: 10.0.0.%d",
    "X-Originating-Ip: 10.0.0.%d",
    "Forwarded: for=10.0.0.%d",
    "Via: 1.1 10.0.0.%d",
    "Connection: X-Forwarded-For\r\nX-Forwarded-For: 10.0.0.%d",
    "Connection: X-Real-Ip, X-Forwarded-For, close\r\nX-Real-Ip: 10.0.0.%d",
    "X-Forwarded-For: [2001:db8::%d]:80",
]


@pytest.mark.owasp("API4")
@pytest.mark.parametrize("field", ADDRESSES)
def test_no_header_makes_another_address_of_ours(platform: Platform, field: str) -> None:
    """Whoever could choose his address would have a rate limit for each: all of these take from one quota."""
    left: list[tuple[int, int]] = []
    for number in range(1, 6):
        spoofed = field.replace("%d", str(number))
        fields = f"Host: a\r\nConnection: close\r\n{spoofed}\r\n\r\n".replace(
            "Connection: close\r\nConnection: ", "Connection: close, "
        )
        answer = ask(platform.address("edge"), f"GET /products HTTP/1.1\r\n{fields}".encode())
        assert answer.status == 200
        remaining, reset = (int(part.partition("=")[2]) for part in answer.header("ratelimit").split(";")[1:])
        left.append((remaining, reset))
    # within a window the remainder falls with every request; at a window's edge, the time until then jumps up
    falls = [after[0] < before[0] for before, after in pairwise(left) if after[1] <= before[1]]
    assert len(falls) >= 3
    assert all(falls), left


@pytest.mark.parametrize(
    "fields",
    [
        "Host: a\r\nHost: b\r\n",
        "Host: a\r\nHost: a\r\n",
        "Host: a\r\nhOST: b\r\n",
        "Host: a\r\n Host: b\r\n",
        "Host : a\r\n",
        "",
        "Host: a, b\r\n",
        "Host: a b\r\n",
        "Host: a@b\r\n",
        "Host: a/b\r\n",
        "Host: a\\b\r\n",
        "Host: a?b\r\n",
        "Host: a#b\r\n",
        "Host: a:b\r\n",
        "Host: a\tb\r\n",
        "Host: a\x00b\r\n",
        "Host: <script>\r\n",
        'Host: a"b\r\n',
        "Host: \xe4\r\n",
        "Host: [::1\r\n",
        "Host: a:80:80\r\n",
    ],
)
def test_one_host_or_none(platform: Platform, fields: str) -> None:
    canary = Canary()
    request = f"GET {canary.path} HTTP/1.1\r\nConnection: close\r\n{fields}\r\n".encode("latin-1")
    (answer,) = exchange(platform.address("edge"), request)
    assert answer.status == 400, answer


@pytest.mark.parametrize(
    "fields",
    [
        "traceparent: 00-{zeros}-00f067aa0ba902b7-01",
        "traceparent: ff-{own}-00f067aa0ba902b7-01",
        "traceparent: 00-{own}-0000000000000000-01",
        "traceparent: 00-{own}",
        "traceparent: 00-{upper}-00F067AA0BA902B7-01",
        "traceparent: " + "0" * 8000,
        "traceparent: 00-{own}-00f067aa0ba902b7-01\r\ntraceparent: 00-{other}-00f067aa0ba902b7-01",
        "traceparent: 00-{own}-00f067aa0ba902b7-01\r\ntracestate: " + ",".join(f"k{n}=v" for n in range(900)),
        "traceparent: 00-{own}-00f067aa0ba902b7-01\r\nbaggage: user=admin,scope=admin",
        "X-B3-TraceId: {own}\r\nX-B3-SpanId: 00f067aa0ba902b7\r\nX-B3-Sampled: 1",
        "b3: {own}-00f067aa0ba902b7-1",
        "uber-trace-id: {own}:00f067aa0ba902b7:0:1",
        "X-Trace-Id: {own}\r\nX-Request-Id: {own}\r\nX-Correlation-Id: {own}",
    ],
)
def test_trace_headers_identify_nothing_but_a_trace(platform: Platform, fields: str) -> None:
    trace = Canary().trace
    sent = fields.format(zeros="0" * 32, own=trace, other=Canary().trace, upper=trace.upper())
    answer = _me(platform, f"{sent}\r\n", path="/products")
    assert answer.status == 200
    assert len(answer.header("x-trace-id")) == 32
    assert answer.header("x-request-id") != trace
    if not fields.startswith("traceparent: 00-{own}-00f067aa0ba902b7-01"):
        assert answer.header("x-trace-id") != trace
