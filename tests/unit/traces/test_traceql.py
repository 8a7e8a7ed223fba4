"""The TraceQL subset: what it reads, what it refuses, where and why."""

import contextlib
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from observability.traces.query.candidate import Candidate, Field, TraceFacts
from observability.traces.query.conditions import And, Comparison, Or
from observability.traces.query.errors import IncompleteQueryError, UnsupportedQueryError
from observability.traces.query.parser import parse
from observability.traces.query.spansets import Both, Either, Filter, Spanset, matched
from observability.traces.query.tags import parse_tags


def attributes() -> bytes:
    span = Span()
    span.status.message = "refused"
    span.attributes.add(key="n").value.int_value = 5
    span.attributes.add(key="a b").value.string_value = "quoted"
    items = span.attributes.add(key="list").value.array_value.values
    for item in ("x", "y"):
        items.add().string_value = item
    return bytes(span.SerializeToString())


SPAN = Candidate(
    span_id=b"1", name="GET /products", kind=2, status=2, start_ns=0, end_ns=150_000_000, body=attributes(),
    resource={"service.name": "products", "ratio": 0.5, "on": True},
    trace=TraceFacts(b"t", 0, 200_000_000, "GET", "edge"),
)  # fmt: skip


def test_comparisons_and_values_are_read() -> None:
    assert parse("{}") == parse("  { } ") == parse("(({}))") == Filter()
    query = '{resource.service.name="a b"&&name=~"x.*" && duration>1.5s && span.n != -3 && .ok = true && .z=nil}'
    assert parse(query) == Filter(
        And(
            (
                Comparison(Field("resource", "service.name"), "=", "a b"),
                Comparison(Field("intrinsic", "name"), "=~", "x.*"),
                Comparison(Field("intrinsic", "duration"), ">", 1_500_000_000),
                Comparison(Field("span", "n"), "!=", -3),
                Comparison(Field("any", "ok"), "=", True),
                Comparison(Field("any", "z"), "=", None),
            )
        )
    )
    assert parse('{ name = "}" }') == Filter(Comparison(Field("intrinsic", "name"), "=", "}"))
    assert parse("{ span.x = `\\d` }") == Filter(Comparison(Field("span", "x"), "=", "\\d"))
    assert parse('{ span:name = "a" }') == parse('{ "a" = name }') == parse('{ name = "a" }')
    assert parse("{ 1s <= trace:duration }") == parse("{ traceDuration >= 1s }")
    assert parse('{ span."a b".c = 1 }') == Filter(Comparison(Field("span", "a b.c"), "=", 1))


def comparison(number: int) -> Comparison:
    return Comparison(Field("span", "x"), "=", number)


def test_operators_bind_equally_from_left_to_right_unless_parentheses_say_otherwise() -> None:
    one, two, three = (comparison(number) for number in (1, 2, 3))
    assert parse("{ span.x=1 || span.x=2 && span.x=3 }") == Filter(And((Or((one, two)), three)))
    assert parse("{ span.x=1 || (span.x=2 && span.x=3) }") == Filter(Or((one, And((two, three)))))
    assert parse("{span.x=1} || {span.x=2} && {span.x=3}") == Both((Either((Filter(one), Filter(two))), Filter(three)))
    assert parse("{span.x=1} && ({span.x=2} || {span.x=3})") == Both(
        (Filter(one), Either((Filter(two), Filter(three))))
    )


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('name = "GET /products"', True),
        ('name =~ "GET"', False),
        ('name =~ "GET.*|POST"', True),
        ('name !~ "GET.*"', False),
        ("kind = server", True),
        ("status != error", False),
        ('statusMessage = "refused"', True),
        ("duration >= 150ms", True),
        ("duration > 150ms", False),
        ('resource.service.name != "orders"', True),
        (".ratio < 1", True),
        (".ratio > 0.5", False),
        (".on = true", True),
        (".on = 1", False),
        (".on != 1", False),
        (".n = 5", True),
        (".n = 5.0", True),
        ('.n != "5"', False),
        ('span."a b" = "quoted"', True),
        ('.missing != "x"', False),
        (".missing = nil", True),
        (".missing != nil", False),
        ('.list = "y"', True),
        ('.list != "y"', False),
        ('.list != "z"', True),
        ('span.service.name = "products"', False),
        ('rootServiceName = "edge"', True),
        ("traceDuration > 190ms", True),
        ('name = "x" || kind = server', True),
        ('name = "x" || kind = client', False),
        ('(name = "x" || kind = server) && status = error', True),
    ],
)
def test_conditions(condition: str, holds: bool) -> None:
    parsed = parse(f"{{ {condition} }}")
    assert isinstance(parsed, Filter)
    assert parsed.holds(SPAN) is holds


@pytest.mark.parametrize(
    ("query", "position", "part"),
    [
        ("name = 1", 1, "opening brace"),
        ("{ name = }", 10, "after 'name ='"),
        ("{ = 1 }", 3, "="),
        ('{ name & "x" }', 8, "&"),
        ('{ name = "x" name = "y" }', 14, "&& or ||"),
        ("{ status = broken }", 12, "broken"),
        ('{ status = "error" }', 12, "without quotes"),
        ("{ status > error }", 12, "by = or !="),
        ("{ .x = error }", 8, "kind or status"),
        ("{ .a = .b }", 8, "another field"),
        ('{ event.name = "x" }', 3, "scope 'event'"),
        ("{ parent.span.x = 1 }", 3, "scope 'parent'"),
        ("{ nestedSetParent < 0 }", 3, "nestedSetParent"),
        ("{ name =~ 5 }", 11, "regular expression"),
        ('{ name =~ "a(?=b)" }', 11, "invalid perl operator"),
        ('{ name =~ "(" }', 11, "missing )"),
        ('{ "x.*" =~ name }', 3, "no field"),
        ('{ name = "\\q" }', 10, "escape"),
        ('{ name = "\\ud800" }', 10, "escape"),
        ("{ duration > 5 }", 14, "100ms"),
        ("{ .ok > true }", 9, "true"),
        ("{ 1 = 1 }", 3, "no field"),
        ("{ .ok }", 7, "compared by"),
        ("{ .n + 1 = 2 }", 6, "'+'"),
        ("{ -.n = 2 }", 3, "'-'"),
        ("{ !(.n = 2) }", 3, "'!'"),
        ("{}{}", 3, "joined by"),
        ('{ name = "a" } | count() > 2', 16, "| count() > 2"),
        ("{} >> {}", 4, "structural"),
        ("{} | rate()", 4, "no pipelines"),
        ("({}", 4, "parenthesis"),
        ('{ name = "a', 10, "no end"),
        ("{ .x = ² }", 8, "²"),
        ("{" + "x" * 3_000, 2_001, "longer"),
        ("(" * 50 + "{}" + ")" * 50, 34, "32 parentheses"),
        ("{" + "(" * 50 + ".a=1" + ")" * 50 + "}", 35, "32 parentheses"),
        ('{ name =~ "' + "x" * 501 + '" }', 11, "500"),
    ],
)
def test_refusals_name_the_part_and_its_place(query: str, position: int, part: str) -> None:
    with pytest.raises(UnsupportedQueryError) as caught:
        parse(query)
    assert part in str(caught.value)
    assert caught.value.position == position


@pytest.mark.parametrize(
    "query", ["{", "{ name", "{ name =", "{ name = }", '{ name = "x" &&', '{ name = "x" && }', "({"]
)
def test_what_somebody_is_still_typing_is_told_apart(query: str) -> None:
    with pytest.raises(IncompleteQueryError):
        parse(query)


def test_a_regular_expression_takes_time_linear_in_what_it_reads() -> None:
    parsed = parse('{ name =~ "(a|a|a)*(a+)+b" }')
    assert isinstance(parsed, Filter)
    hostile = replace(SPAN, name="a" * 20_000)
    begun = time.process_time()
    assert not parsed.holds(hostile)
    # a backtracking engine would still be busy when the sun goes out
    assert time.process_time() - begun < 2


# no deadline per example: the machine is busy with other tests
@settings(deadline=None)
@given(st.text(max_size=60), st.sampled_from(["", "{", '{ name = "', "({ .a = 1 } && "]))
def test_any_text_is_read_or_refused(text: str, before: str) -> None:
    for reader in (parse, parse_tags):
        with contextlib.suppress(UnsupportedQueryError):
            reader(before + text)


def found(query: str) -> list[bytes]:
    """Ids of the spans found in a trace of an edge, an orders and a worker span."""
    spans = [
        Candidate(bytes([number]), name, 2, 0, 0, 0, b"", {"service.name": name}, SPAN.trace)
        for number, name in enumerate(("edge", "orders", "worker"))
    ]
    return [s.span_id for s in matched(parse(query), lambda only: [span for span in spans if only.holds(span)])]


def test_spansets_are_joined_over_the_whole_trace() -> None:
    assert found('{ name = "edge" } && { name = "worker" }') == [b"\x00", b"\x02"]
    assert found('{ name = "edge" && name = "worker" }') == []
    assert found('{ name = "edge" } && { name = "nobody" }') == []
    assert found('{ name = "nobody" } || { name = "worker" }') == [b"\x02"]
    assert found('{} && { name = "edge" }') == [b"\x00", b"\x01", b"\x02"]
    assert found('{ name = "nobody" } || { name = "worker" } && { name = "edge" }') == [b"\x02", b"\x00"]


def only(field: str, *wanted: str | int | bool, scope: str = "any") -> Spanset:
    each = tuple(Comparison(Field(scope, field), "=", one) for one in wanted)
    return Filter(each[0] if len(each) == 1 else Or(each))


def test_tags() -> None:
    assert parse_tags('service.name=orders http.route="/a b" code=200 ok=true name=x status=error') == Both(
        (
            only("service.name", "orders"),
            only("http.route", "/a b"),
            only("code", "200", 200),
            only("ok", "true", True),
            only("name", "x", scope="intrinsic"),
            only("status", "error", scope="intrinsic"),
        )
    )
    assert parse_tags("  ") is None
    with pytest.raises(UnsupportedQueryError, match="status is one of"):
        parse_tags("status=500")
