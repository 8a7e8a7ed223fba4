"""Log injection and response splitting: what a client says becomes neither a line of a log nor a field of an answer."""

import base64
import json
import re
from itertools import dropwhile
from pathlib import Path

import pytest

from stormglass.runtime.logfiles import with_rotated
from stormglass.testing import Platform
from tests.security.canary import Canary, everybody_gets_their_own, reached_a_gateway
from tests.security.people import Client, Person
from tests.security.wire import WireError, exchange

pytestmark = pytest.mark.owasp("API8")

NOT_JSON = ("postgres", "redis", "manager")
"""Foreign programs with a form of their own; what they write of a request is looked at byte by byte like the rest."""


def _payloads(mark: str) -> list[str]:
    """`mark` is what a forged line, or a forged field, would begin with."""
    line = json.dumps({"event": "request", "level": "info", "logger": mark, "service": "gateway"})
    return [
        f"x\r\n{line}\r\n",
        f"x\n{line}\n",
        f"x\r{line}\r",
        f'x", "logger": "{mark}", "y": "',
        f'x"}}\n{line}',
        f"x\\n{line}\\n",
        f"x\x0b{line}\x0c{line}",
        f"x\x85{line}\u2028{line}\u2029{line}",
        f"\x1b[2J\x1b[1;31m{mark}\x1b[0m\x07",
        f"\x9b31m{mark}\u202e",
        f"x\x00{mark}",
        f"x\b\b\b\b{mark}\x7f",
        f"${{jndi:ldap://127.0.0.1:1/{mark}}}",
        f"%(event)s %s %n {{0}} {{{mark}}}",
        f"%0d%0a{line}%0a",
    ]


def _encoded(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def _requests(payload: str, token: str) -> list[bytes]:
    """The payload in every place of a request that a client fills in; where it cannot stand raw, encoded as well."""
    raw, encoded = payload.encode(), _encoded(payload).encode()
    quoted = json.dumps(payload).encode()
    host = b"Host: a\r\n"
    known = b"Authorization: Bearer " + token.encode() + b"\r\n"
    bodies = [
        (b"/users", b'{"email":%b,"password":%b,"name":%b}' % (quoted, quoted, quoted)),
        (b"/tokens", b'{"email":%b,"password":%b}' % (quoted, quoted)),
        (b"/tokens", b"{%b:%b}" % (quoted, quoted)),
        (b"/orders", b'{"items":[{"product_id":%b,"quantity":1}]}' % quoted),
        (b"/orders", quoted),
        (b"/orders", raw),
    ]
    segment = base64.urlsafe_b64encode(json.dumps({"alg": payload, "kid": payload, "typ": payload}).encode()).rstrip(
        b"="
    )
    fields = [
        b"User-Agent",
        b"Referer",
        b"X-Forwarded-For",
        b"X-Real-Ip",
        b"Host",
        b"traceparent",
        b"tracestate",
        b"baggage",
    ]
    fields += [
        b"Idempotency-Key",
        b"If-None-Match",
        b"Accept",
        b"Accept-Language",
        b"Content-Type",
        b"Cookie",
        b"Origin",
    ]
    fields += [
        b"Authorization",
        b"X-API-Key",
        b"X-CSRF-Token",
        b"X-Request-Id",
        b"X-Stormglass-Canary",
        b"Range",
        b"Via",
    ]
    return [
        *(b"GET %b HTTP/1.1\r\n%b\r\n" % (t, host) for t in (b"/" + raw, b"/" + encoded, b"/products/" + encoded)),
        *(b"GET %b HTTP/1.1\r\n%b\r\n" % (t, host) for t in (b"/products?limit=" + encoded, b"/products?" + raw)),
        b"%b /products HTTP/1.1\r\n%b\r\n" % (raw, host),
        b"GET /products HTTP/1.1%b\r\n%b\r\n" % (raw, host),
        b"GET /products HTTP/1.1\r\n%b%b: x\r\n\r\n" % (host, raw),
        *(b"GET /products HTTP/1.1\r\n%b%b: %b\r\n\r\n" % (host, name, raw) for name in fields),
        *(b"GET /products HTTP/1.1\r\n%b%b: %b\r\n\r\n" % (host, name, encoded) for name in fields),
        b"GET /orders HTTP/1.1\r\n%bAuthorization: Bearer %b.e30.e30\r\n\r\n" % (host, segment),
        b"GET /orders/%b HTTP/1.1\r\n%b%b\r\n" % (encoded, host, known),
        *(
            b"POST %b HTTP/1.1\r\n%b%bContent-Type: application/json\r\nIdempotency-Key: k\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (path, host, known, len(body), body)
            for path, body in bodies
        ),
    ]


def _ends(platform: Platform) -> dict[Path, tuple[int, int]]:
    """Where each log ends: in which file (by its number, for a rotation renames it), and after how many bytes."""
    found = ((path, path.stat()) for path in platform.instance.logs.glob("*.log"))
    return {path: (status.st_ino, status.st_size) for path, status in found}


def _since(log: Path, end: tuple[int, int]) -> bytes:
    """What was written to a log since it ended there, in however many files that is now."""
    inode, size = end
    later = list(dropwhile(lambda path: path.stat().st_ino != inode, with_rotated(log)))
    assert later, f"{log.name} was rotated so often that its beginning is gone"
    return b"".join(path.read_bytes() for path in later)[size:]


def test_no_client_writes_a_line_of_a_log(platform: Platform, customer: Person) -> None:
    edge = platform.address("edge")
    mark = f"forged{Canary().token}"
    before = _ends(platform)
    sent = 0
    for payload in _payloads(mark):
        for request in _requests(payload, customer.token):
            try:
                exchange(edge, request.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n", 1), seconds=10)
            except WireError as error:
                pytest.fail(f"{request[:300]!r}: {error}")
            sent += 1
    assert sent > 500
    # whoever logs what the client is called, logs this
    with Client(platform.base_url) as client:
        assert client.call("GET", "/products").status_code == 200
    control = Canary()
    exchange(edge, control.request(close=True))
    assert reached_a_gateway(platform, control) == ["canary"]
    read = 0
    for path, end in before.items():
        written = _since(path, end)
        assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", written), path.name
        assert "\u2028" not in written.decode(), path.name
        for line in written.decode().splitlines():
            if path.name.startswith(NOT_JSON):
                assert not line.lstrip().startswith(("{" + f'"event": "{mark}', mark)), (path.name, line)
                continue
            parsed = json.loads(line)
            assert isinstance(parsed, dict)
            assert parsed.get("logger") != mark, (path.name, line)
            read += 1
    assert read >= sent / 4, "the logs that were read are not those of these requests"


SPLITS = [
    "\r\n",
    "\n",
    "\r",
    "%0d%0a",
    "%0D%0A",
    "%0a",
    "%0d",
    "%25%30%61",
    "%e5%98%8a%e5%98%8d",
    "\u560a\u560d",
    "\\r\\n",
    "%u000a",
]


@pytest.mark.parametrize("split", SPLITS)
def test_no_answer_is_split(platform: Platform, customer: Person, split: str) -> None:
    injected = f"x{split}Set-Cookie: injected=1{split}X-Injected: 1{split}{split}HTTP/1.1 200 OK{split}X-Injected: 2"
    percent = injected.replace(" ", "%20")
    crlf = {"alg": "EdDSA", "typ": "at+jwt", "kid": injected}
    token = base64.urlsafe_b64encode(json.dumps(crlf).encode()).rstrip(b"=").decode() + ".e30.e30"
    known = f"Authorization: Bearer {customer.token}\r\n"
    requests = [
        f"GET /{percent} HTTP/1.1\r\nHost: a\r\n",
        f"GET /products/{percent} HTTP/1.1\r\nHost: a\r\n",
        f"GET /products?limit={percent} HTTP/1.1\r\nHost: a\r\n",
        f"GET /orders/{percent} HTTP/1.1\r\nHost: a\r\n{known}",
        f"DELETE /products?{percent} HTTP/1.1\r\nHost: a\r\n",
        f"GET /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n",
        f"GET /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {percent}\r\n",
        f"GET /users/me HTTP/1.1\r\nHost: a\r\n{known}traceparent: {percent}\r\n",
        f'GET /products HTTP/1.1\r\nHost: a\r\nIf-None-Match: "{percent}"\r\n',
        f"GET /products HTTP/1.1\r\nHost: a\r\nX-Request-Id: {percent}\r\n",
        f"POST /orders HTTP/1.1\r\nHost: a\r\n{known}Idempotency-Key: {percent}\r\nContent-Length: 0\r\n",
        f"GET /products HTTP/1.1\r\nHost: a\r\nOrigin: http://{percent}\r\n",
        f"GET /products HTTP/1.1\r\nHost: {percent}\r\n",
    ]
    for request in requests:
        answers = exchange(platform.address("edge"), f"{request}Connection: close\r\n\r\n".encode())
        # a raw CRLF ends the head early: what follows is the attacker's own next request, which is none
        for answer in answers:
            assert not {name for name, _ in answer.fields} & {"x-injected", "set-cookie"}, (request, answer)
        assert len(answers) <= 1 or "\n" in split
    everybody_gets_their_own(platform.address("edge"), 4)
