"""Tempo's JSON forms of what was found (Grafana Tempo documentation, "Tempo HTTP API")."""

from collections.abc import Sequence
from typing import Any

from observability.traces.attributes import Value
from observability.traces.query.candidate import WORDS, Candidate, Field
from observability.traces.query.spansets import compared
from observability.traces.requests import SearchRequest
from observability.traces.search import Match, Searcher
from observability.traces.tags import field_of, type_of

NO_ROOT = "<root span not yet received>"
_SERVICE = Field("resource", "service.name")
_TYPES = {"string": "stringValue", "int": "intValue", "float": "doubleValue", "bool": "boolValue"}


def search_answer(request: SearchRequest, found: Sequence[Match], searcher: Searcher) -> dict[str, Any]:
    """The answer to `/api/search`. `completedJobs` below `totalJobs` is Tempo's way to say that it is partial."""
    shown = [_SERVICE, *_compared_fields(request)]
    return {
        "traces": [_trace(one, shown, request.spans_shown) for one in found],
        "metrics": {
            "inspectedTraces": searcher.traces,
            # a string, as in protobuf's JSON form of 64-bit numbers
            "inspectedBytes": str(searcher.bytes),
            "completedJobs": 0 if searcher.partial else 1,
            "totalJobs": 1,
        },
    }


def scopes_answer(names: dict[str, list[str]]) -> dict[str, Any]:
    """The answer to `/api/v2/search/tags`."""
    return {"scopes": [{"name": scope, "tags": tags} for scope, tags in names.items()], "metrics": {}}


def values_answer(tag: str, values: Sequence[Value]) -> dict[str, Any]:
    """The answer to `/api/v2/search/tag/{tag}/values`."""
    field = field_of(tag)
    keyword = field.scope == "intrinsic" and field.name in WORDS
    return {
        "tagValues": [{"type": "keyword" if keyword else type_of(value), "value": as_text(value)} for value in values],
        "metrics": {},
    }


def as_text(value: Value) -> str:
    """A value as TraceQL would write it, without quotes."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _compared_fields(request: SearchRequest) -> list[Field]:
    """The fields a query is about: a result shows their values, as in Tempo."""
    fields = [one.field for one in compared(request.query)] if request.query else []
    shown = [field for field in fields if field.scope != "intrinsic" or field.name in {"status", "kind"}]
    return [field for field in dict.fromkeys(shown) if field.name != _SERVICE.name]


def _trace(match: Match, shown: list[Field], spans_shown: int) -> dict[str, Any]:
    trace = match.trace
    summary: dict[str, Any] = {
        "traceID": trace.trace_id.hex(),
        "rootServiceName": trace.root_service or NO_ROOT,
        "rootTraceName": trace.root_name or "",
        "startTimeUnixNano": str(trace.start_ns),
        "durationMs": max(trace.end_ns - trace.start_ns, 0) // 1_000_000,
    }
    if spans_shown:
        spans = {"spans": [_span(span, shown) for span in match.spans[:spans_shown]], "matched": len(match.spans)}
        # the plural is the newer form; both are what Tempo sends
        summary |= {"spanSet": spans, "spanSets": [spans]}
    return summary


def _span(span: Candidate, shown: list[Field]) -> dict[str, Any]:
    values = ((field.name, field.read(span)) for field in shown)
    return {
        "spanID": span.span_id.hex(),
        "name": span.name,
        "startTimeUnixNano": str(span.start_ns),
        "durationNanos": str(max(span.end_ns - span.start_ns, 0)),
        "attributes": [{"key": name, "value": _any_value(value)} for name, value in values if value is not None],
    }


def _any_value(value: Value) -> dict[str, Any]:
    """OTLP's `AnyValue` in JSON; a whole number is a string there."""
    if isinstance(value, list | dict):
        return {"stringValue": str(value)}
    kind = type_of(value)
    return {_TYPES[kind]: str(value) if kind == "int" else value}
