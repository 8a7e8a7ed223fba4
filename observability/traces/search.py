"""Search over stored traces, newest first; streams through the index on start times and stops at the limit."""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from observability.traces.attributes import Value, plain_attributes
from observability.traces.conditions import Candidate, Condition
from observability.traces.durations import parse_duration
from observability.traces.traceql import parse, parse_tags

DEFAULT_LIMIT = 20
MAX_LIMIT = 5_000
_ALWAYS = 2**63 - 1
_SPANS_SHOWN = 3  # per trace, as in Tempo

_TRACES = """
SELECT trace_id, start_ns, end_ns, root_name, root_service FROM traces
WHERE start_ns <= ? AND end_ns >= ? AND end_ns - start_ns BETWEEN ? AND ? ORDER BY start_ns DESC
"""
_SPANS = """
SELECT span_id, origin, name, kind, status, start_ns, end_ns, body FROM spans WHERE trace_id = ? ORDER BY start_ns
"""


@dataclass(frozen=True)
class SearchRequest:
    """What is searched for. Each group of conditions has to be met by some span. Times in nanoseconds."""

    groups: tuple[tuple[Condition, ...], ...] = ()
    spans_wanted: bool = False
    limit: int = DEFAULT_LIMIT
    start_ns: int = 0
    end_ns: int = _ALWAYS
    min_duration_ns: int = 0
    max_duration_ns: int = _ALWAYS

    @classmethod
    def from_parameters(cls, given: Mapping[str, str]) -> "SearchRequest":
        """Read Tempo's query parameters; `ValueError` says which one is wrong."""
        query, tags = given.get("q", ""), given.get("tags", "")
        if query and tags:
            raise ValueError("q and tags exclude each other")
        conditions = parse(query) if query else parse_tags(tags)
        limit = _integer(given, "limit", DEFAULT_LIMIT)
        if not 1 <= limit <= MAX_LIMIT:
            raise ValueError(f"limit is {limit}: it must be 1 to {MAX_LIMIT}")
        return cls(
            # TraceQL: one span meets all; tags: each is met by some span of the trace
            groups=((conditions,) if conditions else ()) if query else tuple((one,) for one in conditions),
            spans_wanted=bool(query),
            limit=limit,
            start_ns=min(_integer(given, "start", 0) * 1_000_000_000, _ALWAYS),
            end_ns=min(_integer(given, "end", _ALWAYS) * 1_000_000_000, _ALWAYS),
            min_duration_ns=min(parse_duration(given.get("minDuration") or "0s"), _ALWAYS),
            max_duration_ns=min(parse_duration(given["maxDuration"]), _ALWAYS) if given.get("maxDuration") else _ALWAYS,
        )


def _integer(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name) or str(default)
    if not text.isascii() or not text.isdecimal():
        raise ValueError(f"{name} is {text[:20]!r}: a whole number is wanted")
    return int(text)


class Searcher:
    """Answers searches on one read-only connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self.inspected = 0

    def search(self, request: SearchRequest) -> dict[str, Any]:
        """Tempo's answer to a search."""
        found = list(islice(self._matches(request), request.limit))
        return {"traces": found, "metrics": {"inspectedTraces": self.inspected}}

    def _matches(self, request: SearchRequest) -> Iterator[dict[str, Any]]:
        window = (request.end_ns, request.start_ns, request.min_duration_ns, request.max_duration_ns)
        for trace_id, start, end, root_name, root_service in self._db.execute(_TRACES, window):
            self.inspected += 1
            hits: list[tuple[bytes, Candidate]] = []
            if request.groups or request.spans_wanted:
                spans = list(self._spans(trace_id, (root_name, root_service, end - start)))
                groups = [[s for s in spans if all(c.holds(s[1]) for c in group)] for group in request.groups]
                if not all(groups) or not spans:
                    continue
                hits = groups[0] if groups else spans
            yield _summary(trace_id, start, end, root_name, root_service) | (
                _span_set(hits) if request.spans_wanted else {}
            )

    def _spans(self, trace_id: bytes, trace: tuple[str | None, str | None, int]) -> Iterator[tuple[bytes, Candidate]]:
        for span_id, origin, name, kind, status, start, end, body in self._db.execute(_SPANS, (trace_id,)):
            yield span_id, Candidate(name, kind, status, start, end, body, self.resources.get(origin, {}), *trace)

    @cached_property
    def resources(self) -> dict[int, dict[str, Value]]:
        """Resource attributes of every origin, by its id."""
        rows = self._db.execute("SELECT id, body FROM origins")
        return {key: plain_attributes(ResourceSpans.FromString(body).resource.attributes) for key, body in rows}

    def tag_names(self, newest: int) -> list[str]:
        """Attribute names on the newest spans and on every resource."""
        return sorted({name for attributes in self._recent(newest) for name in attributes})

    def tag_values(self, tag: str, newest: int) -> list[str]:
        """Values of one attribute, as text, on the newest spans and on every resource."""
        if tag in {"name", "span.name"}:
            rows = self._db.execute("SELECT name FROM (SELECT name FROM spans ORDER BY id DESC LIMIT ?)", (newest,))
            return sorted({name for (name,) in rows})
        key = tag.removeprefix("resource.").removeprefix("span.").removeprefix(".")
        found = (attributes[key] for attributes in self._recent(newest) if attributes.get(key) is not None)
        return [value for value, _ in groupby(sorted(map(_as_text, found)))]

    def _recent(self, newest: int) -> Iterator[dict[str, Value]]:
        yield from self.resources.values()
        for (body,) in self._db.execute("SELECT body FROM spans ORDER BY id DESC LIMIT ?", (newest,)):
            yield Candidate("", 0, 0, 0, 0, body, {}, None, None, 0).attributes


def _as_text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _summary(trace_id: bytes, start: int, end: int, root_name: str | None, root_service: str | None) -> dict[str, Any]:
    return {
        "traceID": trace_id.hex(),
        "rootServiceName": root_service or "<root span not yet received>",
        "rootTraceName": root_name or "",
        "startTimeUnixNano": str(start),
        "durationMs": max(end - start, 0) // 1_000_000,
    }


def _span_set(hits: list[tuple[bytes, Candidate]]) -> dict[str, Any]:
    shown = [
        {
            "spanID": span_id.hex(),
            "name": span.name,
            "startTimeUnixNano": str(span.start_ns),
            "durationNanos": str(max(span.end_ns - span.start_ns, 0)),
            "attributes": [{"key": "service.name", "value": {"stringValue": str(span.resource.get("service.name"))}}],
        }
        for span_id, span in hits[:_SPANS_SHOWN]
    ]
    spans = {"spans": shown, "matched": len(hits)}
    return {"spanSet": spans, "spanSets": [spans]}
