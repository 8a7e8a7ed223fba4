"""Compression bombs: no request body is ever inflated, so that none can be larger than it came."""

import gzip
import json
import zlib
from collections.abc import Callable

import pytest

from stormglass.testing import Platform
from tests.security.canary import Canary, everybody_gets_their_own
from tests.security.people import Person
from tests.security.resources import Processes, held, processes
from tests.security.wire import ask

pytestmark = pytest.mark.owasp("API4")

INFLATED = 12 * 1024 * 1024
"""What fits into a body of 16 KiB at DEFLATE's best ratio (1,032), and would be seen in a process' memory."""

MORE_MEBIBYTES = 48.0
"""For several bombs; each would be 12 MiB, and more as text or as JSON."""


def _document() -> bytes:
    """A good document with a lot of white space in front: what inflates it, reads an account out of it."""
    account = {"email": f"{Canary().token}@example.org", "password": "a good password", "name": "Bomb"}
    return b" " * INFLATED + json.dumps(account).encode()


def _brotli() -> bytes:
    """An empty last meta-block (RFC 7932): as much brotli as there is without a library for it."""
    return b"\x06" + b"\x00" * 100


def _zstandard() -> bytes:
    """A frame of RLE blocks (RFC 8878): each is four bytes and 128 KiB."""
    head = b"\x28\xb5\x2f\xfd" + b"\xa0" + INFLATED.to_bytes(4, "little")
    size = 128 * 1024
    block = ((size << 3) | 2).to_bytes(3, "little") + b" "
    last = ((size << 3) | 3).to_bytes(3, "little") + b" "
    return head + block * (INFLATED // size - 1) + last


BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: gzip.compress(_document(), 9),
    "x-gzip": lambda: gzip.compress(_document(), 9),
    "deflate": lambda: zlib.compress(_document(), 9),
    "br": _brotli,
    "zstd": _zstandard,
    "gzip, gzip": lambda: gzip.compress(gzip.compress(b" " * INFLATED * 8, 9), 9),
    "gzip, identity": lambda: gzip.compress(_document(), 9),
    "GZIP": lambda: gzip.compress(_document(), 9),
}


@pytest.fixture(scope="module")
def watched(platform: Platform) -> Processes:
    return processes(platform, "users", "orders", "gateway", "edge")


@pytest.mark.parametrize("coding", BOMBS)
def test_a_bomb_does_not_go_off(platform: Platform, watched: Processes, customer: Person, coding: str) -> None:
    body = BOMBS[coding]()
    assert len(body) <= 16 * 1024
    before = held(watched)
    for path in ("/users", "/tokens", "/orders"):
        head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Encoding: {coding}\r\n"
        head += f"Authorization: Bearer {customer.token}\r\n" if path == "/orders" else ""
        head += f"Idempotency-Key: {Canary().token}\r\nContent-Length: {len(body)}\r\n\r\n"
        answer = ask(platform.address("edge"), head.encode() + body)
        assert answer.status in {400, 415}, answer
    for name, now in held(watched).items():
        assert now.mebibytes <= before[name].mebibytes + MORE_MEBIBYTES, name
    everybody_gets_their_own(platform.address("edge"), 2)


def test_the_same_document_is_taken_when_it_comes_as_it_is(platform: Platform) -> None:
    """The control: it is for its coding that a bomb is refused."""
    document = _document()[-10_000:]
    head = b"POST /users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    assert ask(platform.address("edge"), head % len(document) + document).status == 201


@pytest.mark.parametrize("coding", ["gzip", "gzip, chunked", "deflate, chunked", "chunked, gzip"])
def test_no_transfer_coding_is_inflated(platform: Platform, coding: str) -> None:
    body = gzip.compress(_document(), 9)
    head = f"POST /users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: {coding}\r\n\r\n"
    answer = ask(platform.address("edge"), head.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    assert answer.status in {400, 501}


@pytest.mark.parametrize("accepted", ["gzip", "br, zstd, gzip;q=1.0", "*", "gzip;q=9" * 500])
def test_what_a_client_accepts_makes_no_answer_larger(platform: Platform, accepted: str) -> None:
    head = f"GET /products HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {accepted}\r\nConnection: close\r\n\r\n"
    answer = ask(platform.address("edge"), head.encode())
    assert answer.status == 200
    assert len(answer.body) < 1024 * 1024
