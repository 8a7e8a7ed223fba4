"""Too many header fields, too long ones, bodies without end: refused at once, and for what they are."""

import json
import time

import pytest

from stormglass.testing import Platform
from tests.security.canary import everybody_gets_their_own
from tests.security.people import Person
from tests.security.wire import Answer, wire

pytestmark = pytest.mark.owasp("API4")

SECONDS = 5.0
"""An answer that takes longer than this waited for something that was never to come."""


def _refused(platform: Platform, data: bytes) -> Answer:
    begun = time.monotonic()
    with wire(platform.address("edge")) as connection:
        connection.send(data)
        answer = connection.answer()
    assert answer is not None
    assert time.monotonic() - begun < SECONDS
    everybody_gets_their_own(platform.address("edge"), 2)
    return answer


def _get(fields: bytes, target: bytes = b"/products") -> bytes:
    return b"GET %b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (target, fields)


FLOODS: dict[str, tuple[bytes, set[int]]] = {
    "101 fields": (_get(b"".join(b"X-%d: y\r\n" % n for n in range(101))), {431}),
    "3,000 fields": (_get(b"".join(b"X-%d: y\r\n" % n for n in range(3000))), {431}),
    "3,000 times one field": (_get(b"X: y\r\n" * 3000), {431}),
    "3,000 empty fields": (_get(b"X:\r\n" * 3000), {431}),
    "one field of 40 KB": (_get(b"X: " + b"y" * 40_000 + b"\r\n"), {431}),
    "one field of 8 MB": (_get(b"X: " + b"y" * 8_000_000 + b"\r\n"), {431}),
    "a name of 60 KB": (_get(b"X" * 60_000 + b": y\r\n"), {431}),
    "cookies of 40 KB": (_get(b"Cookie: " + b"a=b; " * 8_000 + b"\r\n"), {431}),
    "a token of 40 KB": (_get(b"Authorization: Bearer " + b"a" * 40_000 + b"\r\n"), {431}),
    "a folded field of 40 KB": (_get(b"X: y\r\n" + b" z\r\n" * 12_000), {431}),
    "a path of 9 KB": (_get(b"", b"/" + b"a" * 9_000), {414}),
    "a query of 9 KB": (_get(b"", b"/products?q=" + b"a" * 9_000), {414}),
    "a target of 80 KB": (_get(b"", b"/" + b"a" * 80_000), {414, 431}),
    "a path of 4,000 segments": (_get(b"", b"/a" * 4_000), {404}),
    "3,000 parameters": (_get(b"", b"/products?" + b"a&" * 3_000), {200, 400}),
    "100 ranges": (_get(b"Range: bytes=" + b",".join(b"%d-" % n for n in range(100)) + b"\r\n"), {200}),
    "a long method": (b"G" * 5_000 + b" / HTTP/1.1\r\nHost: a\r\n\r\n", {400, 405, 431}),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_headers_is_refused(platform: Platform, name: str) -> None:
    data, wanted = FLOODS[name]
    assert _refused(platform, data).status in wanted


def _post(path: bytes, framing: bytes, body: bytes, credential: bytes = b"") -> bytes:
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" % path
    return head + credential + framing + b"\r\n" + body


def _chunks(size: int) -> bytes:
    return b"8000\r\n%b\r\n" % (b" " * 0x8000) * (size // 0x8000)


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: 20000\r\n", b" " * 20_000),
        (b"Content-Length: 3000000\r\n", b" " * 3_000_000),
        (b"Content-Length: 100000000000\r\n", b"{"),
        (b"Content-Length: 999999999999999\r\n", b"{"),
        (b"Content-Length: 100000000000\r\nExpect: 100-continue\r\n", b""),
        (b"Transfer-Encoding: chunked\r\n", _chunks(100_000) + b"0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", _chunks(3_000_000)),
        (b"Transfer-Encoding: chunked\r\n", _chunks(30_000_000)),
    ],
)
@pytest.mark.parametrize("path", [b"/users", b"/tokens"])
def test_a_body_that_is_too_large_is_refused(platform: Platform, path: bytes, framing: bytes, body: bytes) -> None:
    assert _refused(platform, _post(path, framing, body)).status == 413


DOCUMENTS: dict[str, bytes] = {
    "deep arrays": b"[" * 8_000,
    "deep objects": b'{"a":' * 3_000,
    "deep and closed": b"[" * 8_000 + b"]" * 8_000,
    "deep in a field": b'{"email":' + b"[" * 7_000 + b"]" * 7_000 + b"}",
    "a number of 15,000 digits": b'{"email":' + b"9" * 15_000 + b"}",
    "an exponent": b'{"email":1e999999999}',
    "the same key 1,000 times": b"{" + b",".join(b'"email":"%d"' % n for n in range(1_000)) + b"}",
    "1,500 keys": b"{" + b",".join(b'"k%d":1' % n for n in range(1_500)) + b"}",
    "half a surrogate pair": b'{"email":"\\ud800@example.org","password":"\\ud800\\ud800\\ud800","name":"\\udfff"}',
    "NUL": b'{"email":"a\\u0000@example.org","password":"%b","name":"x"}' % (rb"\u0000" * 12),
    "not UTF-8": b'{"email":"\xff\xfe"}',
    "a byte order mark": b'\xef\xbb\xbf{"email":"a"}',
    "UTF-16": '{"email":"a"}'.encode("utf-16"),
    "infinity": b'{"email":Infinity,"password":NaN}',
    "nothing": b"",
    "white space": b" " * 15_000,
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_is_hard_to_read_is_refused(platform: Platform, name: str) -> None:
    document = DOCUMENTS[name]
    answer = _refused(platform, _post(b"/users", b"Content-Length: %d\r\n" % len(document), document))
    assert answer.status == 400, answer
    assert json.loads(answer.body)["status"] == 400


@pytest.mark.parametrize("count", [101, 10_000])
def test_an_order_of_too_many_things_is_refused(platform: Platform, customer: Person, goods: str, count: int) -> None:
    items = [{"product_id": goods, "quantity": 1} for _ in range(count)]
    answer = customer.call("POST", "/orders", {"items": items}, headers={"Idempotency-Key": f"many-{count}"})
    assert answer.status_code in {400, 413}
