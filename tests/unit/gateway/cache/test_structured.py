from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.cache.structured import Malformed, parse_dictionary, parse_list


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("  ", {}),
        ("max-age=10", {"max-age": 10}),
        ("max-age=10, public", {"max-age": 10, "public": True}),
        ("a=1 ,\t b=2", {"a": 1, "b": 2}),
        ("a=1,a=2", {"a": 2}),
        ("a=?0, b=?1", {"a": False, "b": True}),
        ('a="x\\"y\\\\"', {"a": 'x"y\\'}),
        ("a=tok/en*", {"a": "tok/en*"}),
        ("a=-1.25", {"a": Decimal("-1.25")}),
        ("a=:aGk=:", {"a": b"hi"}),
        ("a=(1 2  x);q=1", {"a": [1, 2, "x"]}),
        ("a=();x", {"a": []}),
        ("a=1;b=2; c", {"a": 1}),
        ("a;b=1, c", {"a": True, "c": True}),
        ("*k_.-0=1", {"*k_.-0": 1}),
    ],
)
def test_dictionaries(text: str, expected: dict[str, Any]) -> None:
    assert parse_dictionary(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a=1,",
        ",a=1",
        "a=1 b=2",
        "A=1",
        "a= 1",
        "a =1",
        "a=",
        'a="x',
        'a="\x7f"',
        'a="ü"',
        "a=1.",
        "a=.1",
        "a=1.2345",
        "a=1234567890123456",
        "a=1.2.3",
        "a=--1",
        "a=?2",
        "a=:*:",
        "a=:a:",
        "a=(1,2)",
        "a=(1",
        "a=1;B=2",
        "a=1;",
        "1=a",
        "a=1;b= 2",
        "max-age=10; private, =",
    ],
)
def test_what_is_no_dictionary(text: str) -> None:
    with pytest.raises(Malformed):
        parse_dictionary(text)


def test_lists() -> None:
    assert parse_list('"a", "b c";q=1, d, (1 2)') == ["a", "b c", "d", [1, 2]]
    assert parse_list("") == []
    for text in ('"a" "b"', '"a",', "a;", "("):
        with pytest.raises(Malformed):
            parse_list(text)


@given(st.lists(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))))
def test_strings_survive(strings: list[str]) -> None:
    written = ", ".join('"' + each.replace("\\", "\\\\").replace('"', '\\"') + '"' for each in strings)
    assert parse_list(written) == strings


@given(st.dictionaries(st.from_regex(r"[a-z*][a-z0-9_.*-]*", fullmatch=True), st.integers(-(10**15) + 1, 10**15 - 1)))
def test_integers_survive(members: dict[str, int]) -> None:
    assert parse_dictionary(", ".join(f"{key}={value}" for key, value in members.items())) == members


@given(st.text(max_size=40))
def test_whatever_comes_is_read_or_refused(text: str) -> None:
    for parse in (parse_dictionary, parse_list):
        with suppress(Malformed):
            parse(text)
