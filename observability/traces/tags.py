"""Which attributes occur on recent spans, and with which values."""

import sqlite3
from collections.abc import Iterator

from observability.traces.attributes import Value
from observability.traces.query.candidate import ALIASES, INTRINSICS, WORDS, Candidate, Field, TraceFacts
from observability.traces.query.prefilter import needed
from observability.traces.requests import TagsRequest, Window
from observability.traces.search import COLUMNS, Searcher, candidate

NEWEST = 20_000
"""Spans that are looked at: about 0.2 s of work."""

LISTED = ("name", "kind", "status", "rootName", "rootServiceName")
"""Intrinsics whose values can be listed."""

_SPANS = f"""
SELECT {COLUMNS}, spans.trace_id, traces.start_ns, traces.end_ns, root_name, root_service
FROM (SELECT * FROM spans WHERE start_ns <= ? AND end_ns >= ? ORDER BY id DESC LIMIT ?) AS spans
JOIN traces ON traces.trace_id = spans.trace_id WHERE {{needed}}
"""  # noqa: S608 - our own text; values are bound


class TagReader:
    """Looks tags up on one read-only connection."""

    def __init__(self, connection: sqlite3.Connection, newest: int = NEWEST) -> None:
        self._db = connection
        self._newest = newest
        self._resources = Searcher(connection).resources

    def names(self, request: TagsRequest) -> dict[str, list[str]]:
        """Names by scope: attributes of the newest spans that match, and what TraceQL has built in."""
        names: dict[str, set[str]] = {"resource": set(), "span": set(), "intrinsic": set(INTRINSICS)}
        names["resource"].update(name for resource in self._every_resource(request) for name in resource)
        for span in self._spans(request):
            names["resource"].update(span.resource)
            names["span"].update(span.attributes)
        wanted = [request.scope] if request.scope else list(names)
        return {scope: sorted(names.get(scope, ()))[: request.limit] for scope in wanted}

    def values(self, tag: str, request: TagsRequest) -> list[Value]:
        """Different values of a field on the newest spans that match, in order; lists count by their elements."""
        field = field_of(tag)
        if field.scope == "intrinsic":
            if field.name not in LISTED:
                return []
            if field.name in WORDS and request.only.condition is None:
                return list(WORDS[field.name])
        found: set[tuple[str, str | bool | int | float]] = set()
        if field.scope in {"resource", "any"}:
            for resource in self._every_resource(request):
                found.update(_scalars(resource.get(field.name)))
        for span in self._spans(request):
            found.update(_scalars(field.read(span)))
        return [value for _, value in sorted(found)[: request.limit]]

    def _every_resource(self, request: TagsRequest) -> Iterator[dict[str, Value]]:
        """All resources, also those of older spans, where nothing restricts the request."""
        if request.only.condition is None and request.window == Window():
            yield from self._resources.values()

    def _spans(self, request: TagsRequest) -> Iterator[Candidate]:
        text, values = needed(request.only.condition, self._resources)
        window = (request.window.end_ns, request.window.start_ns, self._newest)
        statement = _SPANS.format(needed=text)
        for row in self._db.execute(statement, (*window, *values)):
            span = candidate(row[:8], self._resources, TraceFacts(*row[8:]))
            if request.only.holds(span):
                yield span


def field_of(tag: str) -> Field:
    """The field a tag names: `span.x`, `resource.x`, `.x`, an intrinsic, or an attribute without its scope."""
    intrinsic = ALIASES.get(tag, tag)
    if intrinsic in INTRINSICS:
        return Field("intrinsic", intrinsic)
    scope, dot, name = tag.partition(".")
    return Field(scope or "any", name) if dot and scope in {"", "span", "resource"} else Field("any", tag)


def type_of(value: Value) -> str:
    """The word Tempo uses for a value's type."""
    match value:
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case _:
            return "string"


def _scalars(value: Value) -> Iterator[tuple[str, str | bool | int | float]]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str | bool | int | float):
            yield type_of(item), item
