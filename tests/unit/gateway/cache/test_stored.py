from hypothesis import given
from hypothesis import strategies as st

from services.gateway.cache.stored import Stored
from services.gateway.cache.terms import Terms

TERMS = Terms(10.0, 30.0, 600.0, 670.0, ("accept",), ("g",))
FIELDS = st.lists(st.tuples(st.binary(), st.binary()), max_size=5)


def stored(*headers: tuple[bytes, bytes]) -> Stored:
    return Stored(200, list(headers), b"body", TERMS)


@given(FIELDS, st.binary(max_size=1000))
def test_packed_and_unpacked(headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    one = Stored(200, headers, body, TERMS)
    assert Stored.unpack(one.pack()) == one


@given(st.binary(max_size=300))
def test_garbage_is_nothing(garbage: bytes) -> None:
    assert Stored.unpack(garbage) is None


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_wrong_byte_is_noticed(at: int, change: int) -> None:
    packed = bytearray(stored((b"etag", b'"x"')).pack())
    packed[at % len(packed)] ^= change
    assert Stored.unpack(bytes(packed)) is None


def test_what_a_client_gets() -> None:
    one = stored(
        (b"etag", b'"x"'),
        (b"age", b"7"),
        (b"cache-status", b"products; hit"),
        (b"stormglass-cache-control", b"max-age=10"),
        (b"cache-groups", b'"g"'),
        (b"date", b"then"),
    )
    whole = one.answer(12.7)
    assert (whole.status, whole.headers, whole.body) == (200, [(b"etag", b'"x"'), (b"age", b"12")], b"body")


def test_validators() -> None:
    assert stored().validators == []
    both = stored((b"etag", b'W/"x"'), (b"last-modified", b"then"))
    assert both.validators == [("If-None-Match", 'W/"x"'), ("If-Modified-Since", "then")]


def test_updated_by_a_304() -> None:
    one = stored(
        (b"etag", b'"x"'), (b"content-type", b"a/b"), (b"x-old", b"1"), (b"age", b"7"), (b"cache-groups", b'"g"')
    )
    new = [(b"etag", b'"x"'), (b"content-type", b"c/d"), (b"content-length", b"0"), (b"x-new", b"2"), (b"x-old", b"3")]
    assert one.updated(new) == [
        (b"content-type", b"a/b"),
        (b"cache-groups", b'"g"'),
        (b"etag", b'"x"'),
        (b"x-new", b"2"),
        (b"x-old", b"3"),
    ]
