import pytest

from services.gateway.conditional import conditional
from services.gateway.exchange import Exchange
from services.gateway.whole import Whole

MODIFIED = b"Wed, 25 Nov 2026 10:00:00 GMT"
LATER = b"Wed, 25 Nov 2026 11:00:00 GMT"


def status(*request: tuple[bytes, bytes], etag: bytes = b'"x"', method: str = "GET", answered: int = 200) -> int:
    fields = [(b"last-modified", MODIFIED), *([(b"etag", etag)] if etag else [])]
    whole = Whole(answered, fields, b"body")
    return conditional(Exchange(method, list(request), "192.0.2.1"), whole).status


@pytest.mark.parametrize(
    ("tags", "etag", "expected"),
    [
        (b'"x"', b'"x"', 304),
        (b'"y"', b'"x"', 200),
        (b'W/"x"', b'"x"', 304),
        (b'"x"', b'W/"x"', 304),
        (b'"a", "x" ,"b"', b'"x"', 304),
        (b'"a,x"', b'"x"', 200),
        (b"*", b'"x"', 304),
        (b"x", b'"x"', 200),
        (b'"x', b'"x"', 200),
        (b"*", b"", 304),
        (b'"x"', b"", 200),
    ],
)
def test_if_none_match(tags: bytes, etag: bytes, expected: int) -> None:
    assert status((b"if-none-match", tags), etag=etag) == expected
    assert status((b"if-none-match", tags), etag=etag, method="HEAD") == expected


def test_two_fields_are_one_list() -> None:
    assert status((b"if-none-match", b'"a"'), (b"if-none-match", b'"x"')) == 304


@pytest.mark.parametrize(
    ("since", "expected"), [(MODIFIED, 304), (LATER, 304), (b"Wed, 25 Nov 2026 09:59:59 GMT", 200), (b"junk", 200)]
)
def test_if_modified_since(since: bytes, expected: int) -> None:
    assert status((b"if-modified-since", since)) == expected


def test_the_tag_counts_before_the_date() -> None:
    assert status((b"if-none-match", b'"y"'), (b"if-modified-since", LATER)) == 200


def test_only_for_what_was_found() -> None:
    assert status((b"if-none-match", b'"x"'), answered=404) == 404
    assert status((b"if-none-match", b"*"), method="POST") == 200
    assert status() == 200


def test_what_a_304_carries() -> None:
    headers = [(b"content-type", b"a/b"), (b"etag", b'"x"'), (b"age", b"3"), (b"cache-control", b"public")]
    answer = conditional(Exchange("GET", [(b"if-none-match", b'"x"')], ""), Whole(200, headers, b"body"))
    assert answer == Whole(304, headers[1:], b"")
