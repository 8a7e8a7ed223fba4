"""The TraceQL subset: what it reads, what it refuses and why."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.traces.conditions import Candidate, Condition
from observability.traces.traceql import UnsupportedQueryError, parse, parse_tags

SPAN = Candidate(
    name="GET /products", kind=2, status=2, start_ns=0, end_ns=150_000_000, body=b"",
    resource={"service.name": "products", "ratio": 0.5, "on": True}, root_name="GET", root_service="edge",
    trace_duration_ns=200_000_000,
)  # fmt: skip


def test_conditions_are_read_in_order() -> None:
    assert parse("{}") == parse("  { } ") == ()
    assert parse('{resource.service.name="a b"&&name=~"x.*" && duration>1.5s && span.n != -3 && .ok = true}') == (
        Condition("resource", "service.name", "=", "a b"),
        Condition("intrinsic", "name", "=~", "x.*"),
        Condition("intrinsic", "duration", ">", 1_500_000_000),
        Condition("span", "n", "!=", -3),
        Condition("any", "ok", "=", True),
    )
    assert parse('{ name = "}" && span.x = `\\d` }')[0].wanted == "}"
    assert parse('{ span:name = "a" && trace:rootName = "b" }')[1].field == "rootName"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('name = "GET /products"', True),
        ('name =~ "GET"', False),
        ('name =~ "GET.*"', True),
        ('name !~ "GET.*"', False),
        ("kind = server", True),
        ("status != error", False),
        ("duration >= 150ms", True),
        ("duration > 150ms", False),
        ('resource.service.name != "orders"', True),
        (".ratio < 1", True),
        (".ratio > 0.5", False),
        (".on = true", True),
        (".on = 1", False),
        ('.missing != "x"', False),
        ('span.service.name = "products"', False),
        ('rootServiceName = "edge"', True),
        ("traceDuration > 190ms", True),
    ],
)
def test_comparisons(condition: str, holds: bool) -> None:
    (parsed,) = parse(f"{{ {condition} }}")
    assert parsed.holds(SPAN) is holds


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("name = 1", "begins with"),
        ("{ name = }", "'name"),
        ("{ = 1 }", "="),
        ('{ name & "x" }', "&"),
        ('{ name = "x" name = "y" }', "joined by"),
        ("{ status = broken }", "broken"),
        ('{ event.name = "x" }', "event.name"),
        ("{ name =~ 5 }", "regular expression"),
        ('{ name = "\\q" }', "escape"),
        ("{}" + "{}", "one pair"),
        ("{" + "x" * 3_000, "longer"),
    ],
)
def test_refusals_name_the_part(query: str, part: str) -> None:
    with pytest.raises(UnsupportedQueryError) as caught:
        parse(query)
    assert part in str(caught.value)


# no deadline per example: the machine is busy with other tests
@settings(deadline=None)
@given(st.text(max_size=60), st.sampled_from(["", "{", '{ name = "']))
def test_any_text_is_read_or_refused(text: str, before: str) -> None:
    for reader in (parse, parse_tags):
        with contextlib.suppress(UnsupportedQueryError):
            reader(before + text)


def test_tags() -> None:
    assert parse_tags('service.name=orders http.route="/a b" code=200 ok=true name=x') == (
        Condition("any", "service.name", "=", "orders"),
        Condition("any", "http.route", "=", "/a b"),
        Condition("any", "code", "=", 200),
        Condition("any", "ok", "=", True),
        Condition("intrinsic", "name", "=", "x"),
    )
