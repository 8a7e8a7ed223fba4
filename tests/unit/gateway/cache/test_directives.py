import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.cache.directives import LONGEST, Directives, cache_control, of_answer, targeted
from services.gateway.cache.wanted import Wanted


def control(*values: str) -> Directives:
    return cache_control([(b"cache-control", value.encode("latin-1")) for value in values])


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (("max-age=10",), 10),
        (("Max-Age=10, PUBLIC",), 10),
        (('max-age="10"',), 10),
        (("public", "max-age=10"), 10),
        (("max-age=10, max-age=10",), 10),
        (("max-age=10, max-age=20",), 0),
        (("max-age=x",), 0),
        (("max-age=-1",), 0),
        (("max-age=1.5",), 0),
        (("max-age",), 0),
        (("max-age=",), 0),
        (("max-age=٣",), 0),
        (("max-age=99999999999999999999",), LONGEST),
        (("max-age = 10",), 10),
        (("public",), None),
        (('x="max-age=10"',), None),
        (("",), None),
        ((), None),
    ],
)
def test_seconds(values: tuple[str, ...], seconds: int | None) -> None:
    values = tuple(value.encode().decode("latin-1") for value in values)
    assert control(*values).seconds("max-age") == seconds


def test_what_is_forbidden_is_found_behind_whatever_stands_there() -> None:
    for text in (
        "no-store",
        "NO-STORE",
        "a=b,no-store",
        ",,no-store,,",
        'x="a,b", no-store',
        "no-store=1",
        "x=\\,no-store",
    ):
        assert "no-store" in control(text), text
    assert "private" in control('private="set-cookie"')
    assert "no-store" not in control("no-storey, x-no-store")
    # a quote that is not closed hides what follows, but never a prohibition in a field of its own
    assert "no-store" in control("no-store", 'x="')


def test_the_targeted_field_counts_if_it_is_sound() -> None:
    def both(text: str) -> Directives:
        return of_answer([(b"stormglass-cache-control", text.encode()), (b"cache-control", b"max-age=1")])

    assert both("max-age=10").seconds("max-age") == 10
    assert both("no-store").seconds("max-age") is None
    for unsound in ("", "max-age=10,", "max-age = 10", "Max-Age=10"):
        assert both(unsound).seconds("max-age") == 1, unsound
    for other_type in ("max-age=1.5", 'max-age="10"', "max-age=x", "max-age=?0", "max-age=?1, x"):
        # the directive is unknown then, or has no argument; the field is still the one that counts
        assert not both(other_type).seconds("max-age"), other_type
    assert both("max-age=-5").seconds("max-age") == 0
    assert targeted([(b"cache-control", b"max-age=1")]) is None
    assert "private" not in both("private=?0, max-age=1")


@given(st.lists(st.text(max_size=20), max_size=5))
def test_whatever_comes_is_read(values: list[str]) -> None:
    directives = cache_control([(b"cache-control", value.encode("utf-8")) for value in values])
    for name in directives.members:
        assert (directives.seconds(name) or 0) >= 0


@pytest.mark.parametrize(
    ("value", "age", "lifetime", "content", "stale", "origin"),
    [
        ("", 5, 10, True, True, False),
        ("no-cache", 0, 10, False, False, True),
        ("max-age=0", 0, 10, False, False, True),
        ("max-age=4", 5, 10, False, False, False),
        ("max-age=5", 5, 10, True, False, False),
        ("min-fresh=5", 5, 10, True, False, False),
        ("min-fresh=6", 5, 10, False, False, False),
        ("max-age=junk", 5, 10, False, False, True),
        ("only-if-cached", 5, 10, True, True, False),
        ("max-stale", 5, 10, True, True, False),
    ],
)
def test_what_a_client_wants(value: str, age: float, lifetime: float, content: bool, stale: bool, origin: bool) -> None:
    wanted = Wanted.of([(b"cache-control", value.encode())] if value else [])
    assert (wanted.content_with(age, lifetime), wanted.takes_stale, wanted.fresh_from_origin) == (
        content,
        stale,
        origin,
    )


def test_pragma_counts_where_there_is_no_cache_control() -> None:
    assert Wanted.of([(b"pragma", b"No-Cache")]).no_cache
    assert not Wanted.of([(b"pragma", b"no-cache"), (b"cache-control", b"max-age=5")]).no_cache
    assert Wanted.of([(b"cache-control", b"no-store, only-if-cached")]) == Wanted(no_store=True, only_if_cached=True)
