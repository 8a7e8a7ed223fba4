"""The SQL in front of a search never hides a span that matches: random spans, random conditions."""

import sqlite3
from dataclasses import astuple

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from observability.traces.attributes import Value
from observability.traces.query.candidate import INTRINSICS, Candidate, Field, TraceFacts
from observability.traces.query.conditions import And, Comparison, Condition, Or
from observability.traces.query.prefilter import ALL, needed
from observability.traces.search import candidate

KEYS = st.sampled_from(["a", "ab", "http.route"])
TEXTS = st.sampled_from(["", "a", "b", "ab", "/orders", "é", "00ff"])
SCALARS = st.one_of(TEXTS, st.integers(-3, 3), st.booleans(), st.sampled_from([0.5, 1.0]))
TRACES = [TraceFacts(b"t", 0, 100, "a", "b"), TraceFacts(b"t", 0, 50, None, None)]
TRACE = TRACES[0]
RESOURCES: dict[int, dict[str, Value]] = {1: {"a": "b"}, 2: {"http.route": "/orders", "ab": 1}, 3: {}}


@st.composite
def candidates(draw: st.DrawFn) -> Candidate:
    span = Span(name=draw(TEXTS))
    for key, value in draw(st.dictionaries(KEYS, st.one_of(SCALARS, st.binary(max_size=2), st.lists(TEXTS)))).items():
        target = span.attributes.add(key=key).value
        match value:
            case bool():
                target.bool_value = value
            case int():
                target.int_value = value
            case float():
                target.double_value = value
            case str():
                target.string_value = value
            case bytes():
                target.bytes_value = value
            case list():
                target.array_value.SetInParent()
                for item in value:
                    target.array_value.values.add().string_value = item
    end, kind, status, origin = draw(
        st.tuples(st.integers(0, 100), st.integers(0, 7), st.integers(0, 4), st.sampled_from([*RESOURCES]))
    )
    row = (b"s", span.name, kind, status, 0, end, span.SerializeToString(), origin)
    return candidate(row, RESOURCES, draw(st.sampled_from(TRACES)))


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    scope = draw(st.sampled_from(["intrinsic", "resource", "span", "any"]))
    operator = draw(st.sampled_from(["=", "!=", "<", "<=", ">", ">="]))
    if scope != "intrinsic":
        wanted = draw(st.one_of(SCALARS, st.none()))
        equal = isinstance(wanted, bool | None)
        return Comparison(Field(scope, draw(KEYS)), draw(st.sampled_from(["=", "!="])) if equal else operator, wanted)
    name = draw(st.sampled_from(sorted(INTRINSICS)))
    match name:
        case "kind" | "status":
            words = {"kind": ["unspecified", "server", "consumer"], "status": ["unset", "ok", "error"]}[name]
            return Comparison(Field(scope, name), draw(st.sampled_from(["=", "!="])), draw(st.sampled_from(words)))
        case "duration" | "traceDuration":
            return Comparison(Field(scope, name), operator, draw(st.integers(0, 100)))
        case _:
            return Comparison(Field(scope, name), draw(st.sampled_from(["=", "!=", "=~", "!~"])), draw(TEXTS))


CONDITIONS = st.recursive(
    comparisons(),
    lambda inner: st.one_of(*(st.builds(of, st.lists(inner, min_size=1, max_size=3).map(tuple)) for of in (And, Or))),
    max_leaves=6,
)


def passes(condition: Condition, span: Candidate) -> bool:
    text, values = needed(condition, RESOURCES)
    origin = next(key for key, found in RESOURCES.items() if found is span.resource)
    row = (span.span_id, span.name, span.kind, span.status, span.start_ns, span.end_ns, span.body, origin)
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE TABLE spans (span_id, name, kind, status, start_ns, end_ns, body, origin)")
        connection.execute("CREATE TABLE traces (trace_id, start_ns, end_ns, root_name, root_service)")
        connection.execute("INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        connection.execute("INSERT INTO traces VALUES (?, ?, ?, ?, ?)", astuple(span.trace))
        return bool(connection.execute(f"SELECT 1 FROM spans, traces WHERE {text}", values).fetchall())
    finally:
        connection.close()


# no deadline per example: the machine is busy with other tests
@settings(deadline=None, max_examples=500)
@given(CONDITIONS, candidates())
def test_what_matches_passes(condition: Condition, span: Candidate) -> None:
    if condition.holds(span):
        assert passes(condition, span)


def test_it_does_keep_spans_from_being_decoded() -> None:
    other = Candidate(b"s", "GET", 3, 0, 0, 5, Span(name="GET").SerializeToString(), RESOURCES[3], TRACE)
    for field, operator, wanted in (
        (Field("span", "http.route"), "=", "/orders"),
        (Field("any", "http.route"), "=~", "/o.*"),
        (Field("resource", "a"), "=", "b"),
        (Field("intrinsic", "name"), "=", "POST"),
        (Field("intrinsic", "kind"), "=", "server"),
        (Field("intrinsic", "duration"), ">", 5),
        (Field("intrinsic", "rootServiceName"), "=", "edge"),
        (Field("intrinsic", "traceDuration"), ">", 100),
    ):
        comparison = Comparison(field, operator, wanted)
        assert not passes(comparison, other)
        assert needed(Or((comparison, Comparison(Field("intrinsic", "rootName"), "=~", "a"))), RESOURCES) == ALL


def test_bytes_and_unknown_numbers_are_not_hidden() -> None:
    span = Span(name="x")
    span.attributes.add(key="a").value.bytes_value = b"\x00\xff"
    other = Candidate(b"s", "x", 9, 4, 0, 5, span.SerializeToString(), RESOURCES[3], TRACE)
    for comparison in (
        Comparison(Field("span", "a"), "=", "00ff"),
        Comparison(Field("intrinsic", "kind"), "=", "unspecified"),
        Comparison(Field("intrinsic", "status"), "=", "unset"),
    ):
        assert comparison.holds(other)
        assert passes(comparison, other)
