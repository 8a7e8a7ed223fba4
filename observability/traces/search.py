"""Search over stored traces, newest first; streams through the index on start times and stops at the limit."""

import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import islice
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from observability.traces.attributes import Value, plain_attributes
from observability.traces.query.candidate import Candidate, TraceFacts
from observability.traces.query.prefilter import ALL, Sql, needed, traces_needed
from observability.traces.query.spansets import Filter, filters, matched
from observability.traces.requests import SearchRequest

MAX_CANDIDATES = 200_000
"""Spans one search examines one by one (a few seconds of work); most are passed over in SQL before that."""

MAX_SECONDS = 5.0
"""Longest search; a process that is told to stop waits for it."""

_TRACES = """
SELECT trace_id, start_ns, end_ns, root_name, root_service FROM traces
WHERE start_ns <= ? AND end_ns >= ? AND end_ns - start_ns BETWEEN ? AND ? AND {needed} ORDER BY start_ns DESC
"""
COLUMNS = ", ".join(
    f"spans.{name}" for name in ("span_id", "name", "kind", "status", "start_ns", "end_ns", "body", "origin")
)
"""What a `Candidate` is made of."""

_SPANS = f"""
SELECT {COLUMNS} FROM spans JOIN traces ON traces.trace_id = spans.trace_id WHERE spans.trace_id = ? AND {{needed}}
"""  # noqa: S608 - our own text; values are bound


@dataclass(frozen=True)
class Match:
    """A trace that was found, and the spans for which it was."""

    trace: TraceFacts
    spans: list[Candidate] = field(default_factory=list)


class Searcher:
    """Answers one search on a read-only connection, and tells afterwards how much it looked at."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        max_candidates: int = MAX_CANDIDATES,
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        self._db = connection
        self._max_candidates = max_candidates
        self._give_up = time.monotonic() + max_seconds
        self.traces = 0
        self.spans = 0
        self.bytes = 0

        self.partial = False
        """Whether the search ended because it had examined all it may: older traces may match, too."""

    @cached_property
    def resources(self) -> dict[int, dict[str, Value]]:
        """Resource attributes of every origin, by its id."""
        rows = self._db.execute("SELECT id, body FROM origins")
        return {key: plain_attributes(ResourceSpans.FromString(body).resource.attributes) for key, body in rows}

    def search(self, request: SearchRequest) -> list[Match]:
        """What was found, at most `request.limit`."""
        return list(islice(self._matches(request), request.limit))

    def _matches(self, request: SearchRequest) -> Iterator[Match]:
        query = request.query
        sql = {each: needed(each.condition, self.resources) for each in (filters(query) if query else ())}
        window = (request.window.end_ns, request.window.start_ns, request.min_duration_ns, request.max_duration_ns)
        text, values = traces_needed(query, sql) if query else ALL
        # traces that cannot match are passed over within SQLite: it holds no lock of the interpreter meanwhile
        for row in self._db.execute(_TRACES.format(needed=text), (*window, *values)):
            if self.spans >= self._max_candidates or time.monotonic() >= self._give_up:
                self.partial = True
                return
            self.traces += 1
            trace = TraceFacts(*row)
            if query is None:
                yield Match(trace)
            elif spans := matched(query, partial(self._select, trace, sql)):
                yield Match(trace, sorted(spans, key=lambda span: span.start_ns))

    def _select(self, trace: TraceFacts, sql: Mapping[Filter, Sql], only: Filter) -> list[Candidate]:
        text, values = sql[only]
        found = self._db.execute(_SPANS.format(needed=text), (trace.trace_id, *values))
        return [span for span in self._candidates(trace, found) if only.holds(span)]

    def _candidates(self, trace: TraceFacts, rows: sqlite3.Cursor) -> Iterator[Candidate]:
        for row in rows:
            found = candidate(row, self.resources, trace)
            self.spans += 1
            self.bytes += len(found.body)
            yield found


def candidate(row: tuple[Any, ...], resources: Mapping[int, Mapping[str, Value]], trace: TraceFacts) -> Candidate:
    """The span in a row of `COLUMNS`."""
    span_id, name, kind, status, start_ns, end_ns, body, origin = row
    return Candidate(span_id, name, kind, status, start_ns, end_ns, body, resources.get(origin, {}), trace)
