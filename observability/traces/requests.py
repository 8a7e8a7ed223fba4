"""Tempo's query parameters, read and checked; every `ValueError` says which one is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass

from observability.traces.query.durations import parse_duration
from observability.traces.query.errors import IncompleteQueryError, UnsupportedQueryError
from observability.traces.query.parser import parse
from observability.traces.query.spansets import Filter, Spanset
from observability.traces.query.tags import parse_tags

DEFAULT_LIMIT = 20
MAX_LIMIT = 5_000
DEFAULT_SPANS_SHOWN = 3
MAX_SPANS_SHOWN = 100
DEFAULT_TAGS_LIMIT = 1_000
MAX_TAGS_LIMIT = 10_000
SCOPES = ("resource", "span", "intrinsic")
EMPTY_SCOPES = ("event", "link", "instrumentation")
"""Scopes that Tempo has; their attributes cannot be searched for here."""

_ALWAYS = 2**63 - 1
_EVERY_SPAN = Filter()


@dataclass(frozen=True)
class Window:
    """From when to when, in nanoseconds since 1970, both included."""

    start_ns: int = 0
    end_ns: int = _ALWAYS

    @classmethod
    def from_parameters(cls, given: Mapping[str, str]) -> "Window":
        """Read `start` and `end`: whole seconds since 1970; 0 or nothing means that there is no bound."""
        start = _integer(given, "start", 0) * 1_000_000_000
        end = _integer(given, "end", 0) * 1_000_000_000 or _ALWAYS
        if start > end:
            raise ValueError(f"start={given['start']} is after end={given['end']}")
        return cls(min(start, _ALWAYS), min(end, _ALWAYS))


@dataclass(frozen=True)
class SearchRequest:
    """Which traces are wanted, and how much of them. Durations in nanoseconds."""

    query: Spanset | None = None
    window: Window = Window()
    limit: int = DEFAULT_LIMIT
    spans_shown: int = 0
    min_duration_ns: int = 0
    max_duration_ns: int = _ALWAYS

    @classmethod
    def from_parameters(cls, given: Mapping[str, str]) -> "SearchRequest":
        """Read `q` or `tags`, `limit`, `spss`, `start`, `end`, `minDuration`, `maxDuration`."""
        query, tags = given.get("q", "").strip(), given.get("tags", "")
        if query and tags:
            raise ValueError("q and tags exclude each other")
        shown = _integer(given, "spss", DEFAULT_SPANS_SHOWN, (1, MAX_SPANS_SHOWN))
        return cls(
            query=parse(query) if query else parse_tags(tags),
            window=Window.from_parameters(given),
            limit=_integer(given, "limit", DEFAULT_LIMIT, (1, MAX_LIMIT)),
            spans_shown=shown if query else 0,
            min_duration_ns=_duration(given, "minDuration", 0),
            max_duration_ns=_duration(given, "maxDuration", _ALWAYS),
        )


@dataclass(frozen=True)
class TagsRequest:
    """Which attribute names, or values of one, are wanted."""

    window: Window = Window()
    limit: int = DEFAULT_TAGS_LIMIT
    scope: str = ""
    only: Filter = _EVERY_SPAN

    @classmethod
    def from_parameters(cls, given: Mapping[str, str]) -> "TagsRequest":
        """Read `scope`, `limit`, `start`, `end` and `q`, one `{…}`.

        Grafana asks while somebody types: a query that is right as far as it goes restricts nothing, as in Tempo.
        """
        scope = "" if given.get("scope", "") in {"", "none"} else given["scope"]
        if scope not in {"", *SCOPES, *EMPTY_SCOPES}:
            raise ValueError(f"scope is {scope[:20]!r}: one of {', '.join(SCOPES)} is wanted, or none")
        return cls(
            window=Window.from_parameters(given),
            limit=_integer(given, "limit", DEFAULT_TAGS_LIMIT, (1, MAX_TAGS_LIMIT)),
            scope=scope,
            only=_filter(given.get("q", "").strip()),
        )


def _filter(query: str) -> Filter:
    try:
        found = parse(query) if query else Filter()
    except IncompleteQueryError:
        return Filter()
    if not isinstance(found, Filter):
        raise UnsupportedQueryError("tags are looked up for one {…}, not for several that are joined", 1)
    return found


def _integer(given: Mapping[str, str], name: str, default: int, bounds: tuple[int, int] | None = None) -> int:
    text = given.get(name) or str(default)
    if not text.isascii() or not text.isdecimal() or len(text) > 20:
        raise ValueError(f"{name} is {text[:20]!r}: a whole number is wanted")
    if bounds and not bounds[0] <= int(text) <= bounds[1]:
        raise ValueError(f"{name} is {text}: it must be {bounds[0]} to {bounds[1]}")
    return int(text)


def _duration(given: Mapping[str, str], name: str, default: int) -> int:
    try:
        return min(parse_duration(given[name]), _ALWAYS) if given.get(name) else default
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
