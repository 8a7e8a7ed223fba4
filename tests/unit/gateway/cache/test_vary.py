from hypothesis import given
from hypothesis import strategies as st

from services.gateway.cache.vary import presented, selecting

ALLOWED = ("accept", "accept-language")


def test_selecting() -> None:
    assert selecting([], ALLOWED) == ()
    assert selecting([(b"vary", b"")], ALLOWED) == ()
    assert selecting([(b"vary", b"Accept-Language ,accept"), (b"vary", b"ACCEPT")], ALLOWED) == ALLOWED
    for never in (b"*", b"accept, *", b"cookie", b"accept-language accept"):
        assert selecting([(b"vary", never)], ALLOWED) is None, never


def test_equal_meanings_are_one() -> None:
    written = [
        [(b"accept-language", b"de, en;q=0.5")],
        [(b"accept-language", b"DE,en;q=0.5 ")],
        [(b"accept-language", b"de"), (b"accept-language", b"en;q=0.5")],
        [(b"accept-language", b"de , ,\ten;q=0.5,")],
    ]
    assert {presented(each, ALLOWED)["accept-language"] for each in written} == {"de, en;q=0.5"}


def test_absent_is_not_empty_and_others_do_not_count() -> None:
    assert presented([(b"cookie", b"x")], ALLOWED) == {}
    assert presented([(b"accept", b"")], ALLOWED) == {"accept": ""}
    assert presented([(b"accept", b'text/html;a="B"')], ALLOWED) == {"accept": 'text/html;a="B"'}


@given(st.lists(st.binary(max_size=20), max_size=3))
def test_any_value_has_one_form(values: list[bytes]) -> None:
    fields = [(b"accept", value) for value in values]
    first = presented(fields, ALLOWED)
    again = [(name.encode(), value.encode("latin-1")) for name, value in first.items()]
    assert presented(again, ALLOWED) == first
