from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.gateway.matching import Matcher
from services.gateway.normalise import MAX_HEADERS, MAX_TARGET_BYTES, Target, normalise
from services.gateway.routes import ROUTES
from stormglass.service import Problem


def scope(path: bytes = b"/products", query: bytes = b"", headers: Any = None, version: str = "1.1") -> Any:
    fields = [(b"host", b"example.org")] if headers is None else headers
    return {"type": "http", "raw_path": path, "query_string": query, "headers": fields, "http_version": version}


def outcome(path: bytes, query: bytes = b"") -> tuple[Target | None, int]:
    try:
        return normalise(scope(path, query)), 200
    except Problem as problem:
        return None, problem.status


def refused(**given_scope: Any) -> int:
    with pytest.raises(Problem) as caught:
        normalise(scope(**given_scope))
    return caught.value.status


@given(st.text(st.sampled_from("abZ09._~-%2fF5cCeE./;\\ä\x00?#:"), max_size=30))
@example("/..;/x")
@example("/%2e%2e")
@example("/.%2E/")
def test_what_passes_has_one_reading(text: str) -> None:
    raw = f"/{text}".encode()
    target, status = outcome(raw)
    if target is None:
        assert status == 400
        return
    # byte for byte what came in, and decoding it, once or twice, makes no new segment and no dot segment
    path = target.path
    assert path.encode() == raw
    once = unquote(path)
    assert once.count("/") == path.count("/")
    assert unquote(once) == once
    assert not {".", ".."} & set(once.split("/"))
    assert "//" not in once
    assert "\\" not in once
    assert all(character.isprintable() for character in once if ord(character) < 0x80)


@given(st.binary(max_size=200))
def test_no_bytes_are_an_internal_error(raw: bytes) -> None:
    target, status = outcome(raw, raw)
    assert (target is None) == (status in {400, 414})
    if target is not None:
        assert (target.path.encode(), target.query.encode()) == (raw, raw)


SEGMENTS = ["orders", "reservations", "users", "confirm", "contact", "availability", "..", "%2e", "x"]


@given(st.lists(st.sampled_from(SEGMENTS), max_size=6), st.sampled_from(["GET", "POST", "PUT"]))
def test_no_spelling_leads_to_an_endpoint_that_is_internal(parts: list[str], method: str) -> None:
    target, _ = outcome(("/" + "/".join(parts)).encode())
    if target is None:
        return
    try:
        match = Matcher(ROUTES).match(method, target.path)
    except Problem:
        return
    reached = match.target.split("/")[1:]
    assert reached[0] != "reservations"
    # as an id (`GET /orders/confirm`) such a word is harmless: there it is the last of two
    assert len(reached) <= 2 or reached[2] not in {"confirm", "contact", "availability"}


def test_a_target_may_be_long_but_not_endless() -> None:
    normalise(scope(b"/products", b"q=" + b"a" * (MAX_TARGET_BYTES - 11)))
    assert refused(query=b"q=" + b"a" * MAX_TARGET_BYTES) == 414


@pytest.mark.parametrize("path", [b"", b"*", b"products", b"http://example.org/products", b"//example.org/products"])
def test_only_origin_form(path: bytes) -> None:
    assert refused(path=path) == 400


@pytest.mark.parametrize("query", [b"a b", "ä".encode(), b"a%", b"a%0", b"\x00", b"#"])
def test_a_query_is_encoded(query: bytes) -> None:
    assert refused(query=query) == 400


HOST = (b"host", b"a")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 400),
        ([HOST, HOST], 400),
        ([(b"host", b"a/b")], 400),
        ([(b"host", b"")], 400),
        ([(b"host", b"a:b")], 400),
        ([HOST, (b"content-length", b"1"), (b"content-length", b"1")], 400),
        ([HOST, (b"content-length", b"1"), (b"transfer-encoding", b"chunked")], 400),
        ([HOST, (b"content-length", b"+1")], 400),
        ([HOST, (b"content-length", b"9" * 16)], 400),
        ([HOST, (b"transfer-encoding", b"gzip, chunked")], 501),
        ([HOST, (b"upgrade", b"websocket")], 400),
        ([HOST, (b"x", b"a\x0bb")], 400),
        ([HOST, (b"x", b"\xff")], 400),
        ([HOST, *[(b"x", b"")] * MAX_HEADERS], 431),
        ([HOST, (b"x", b"y" * 32768)], 431),
    ],
)
def test_headers(headers: Any, status: int) -> None:
    assert refused(headers=headers) == status


def test_hosts_of_every_form_are_good() -> None:
    for host in (b"localhost", b"127.0.0.1:8080", b"[::1]:8080", b"a-b.example.org"):
        normalise(scope(headers=[(b"host", host), (b"x", "ä\t".encode()), (b"transfer-encoding", b"Chunked")]))
    normalise(scope(headers=[], version="1.0"))
