r"""The part of TraceQL that the store answers: one pair of braces with conditions joined by `&&`.

    {}
    { resource.service.name = "orders" && name =~ "POST .*" && duration > 100ms }

Fields: `resource.x`, `span.x`, `.x`, and the intrinsics name, kind, status, duration, rootName, rootServiceName,
traceDuration. Operators: `= != > >= < <= =~ !~`. Values: text, numbers, durations, true, false, kinds, statuses.
Regular expressions have to match the whole value, as in Tempo.
"""

import json
import re
import shlex

from observability.traces.conditions import INTRINSICS, KINDS, STATUSES, Condition
from observability.traces.durations import DURATION, parse_duration

MAX_LENGTH = 2_000
"""Longest query, in characters."""

_TOKEN = re.compile(
    rf"""\s*(?:
    (?P<text>"(?:\\.|[^"\\])*"|`[^`]*`)
    |(?P<duration>{DURATION})(?![\w.])
    |(?P<number>-?\d+(?:\.\d+)?)(?![\w.])
    |(?P<field>[A-Za-z_.][\w.:/-]*)
    |(?P<operator>=~|!~|!=|>=|<=|&&|\|\||[=<>])
    |(?P<other>\S)
    )""",
    re.VERBOSE,
)
_COMPARISONS = frozenset({"=", "!=", ">", ">=", "<", "<=", "=~", "!~"})
_BOOLEANS = {"true": True, "false": False}
_DURATIONS = frozenset({"duration", "traceDuration"})
_ALIASES = {
    "span:name": "name",
    "span:kind": "kind",
    "span:status": "status",
    "span:duration": "duration",
    "trace:rootName": "rootName",
    "trace:rootService": "rootServiceName",
    "trace:duration": "traceDuration",
}


class UnsupportedQueryError(ValueError):
    """A query that the store cannot answer; the message says which part."""


def parse(query: str) -> tuple[Condition, ...]:
    """The conditions that one span has to meet; none for `{}`."""
    text = query.strip()
    if len(text) > MAX_LENGTH:
        raise UnsupportedQueryError(f"the query is longer than {MAX_LENGTH} characters")
    if not text.startswith("{"):
        raise UnsupportedQueryError(f"a query is one pair of braces, this begins with {text[:20]!r}")
    tokens = [(match.lastgroup or "", match.group(match.lastgroup or 0)) for match in _TOKEN.finditer(text[1:])]
    conditions: list[Condition] = []
    while tokens and tokens[0][1] != "}":
        if conditions:
            _expect_and(tokens.pop(0)[1])
        conditions.append(_condition(tokens))
    if not tokens:
        raise UnsupportedQueryError("the closing brace is missing")
    if len(tokens) > 1:
        rest = " ".join(token for _, token in tokens[1:])
        raise UnsupportedQueryError(f"{rest[:60]!r} after the closing brace is not supported: one pair of braces only")
    return tuple(conditions)


def parse_tags(text: str) -> tuple[Condition, ...]:
    """The conditions in a `tags=` parameter (logfmt: `service.name=orders http.route="/orders"`)."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UnsupportedQueryError(f"tags {text[:60]!r} are not in logfmt: {error}") from None
    return tuple(_tag(word) for word in words)


def _tag(word: str) -> Condition:
    key, equals, value = word.partition("=")
    if not key or not equals:
        raise UnsupportedQueryError(f"tag {word[:60]!r} is not key=value")
    if key in {"name", "status", "kind"}:
        return Condition("intrinsic", key, "=", value)
    # a tag is text, whatever type the attribute has
    if re.fullmatch(r"-?\d+", value):
        return Condition("any", key, "=", int(value))
    return Condition("any", key, "=", _BOOLEANS.get(value, value))


def _expect_and(token: str) -> None:
    if token != "&&":  # noqa: S105 - a token of the query language
        raise UnsupportedQueryError(f"{token!r} is not supported here: conditions are joined by &&")


def _condition(tokens: list[tuple[str, str]]) -> Condition:
    if len(tokens) < 3:
        raise UnsupportedQueryError(f"{' '.join(token for _, token in tokens)!r} is not field, operator, value")
    (kind, name), (_, symbol), (value_kind, value) = tokens[:3]
    del tokens[:3]
    if kind != "field":
        raise UnsupportedQueryError(f"{name!r} is not supported: a condition begins with a field")
    scope, field = _field(name)
    if symbol not in _COMPARISONS:
        raise UnsupportedQueryError(f"operator {symbol!r} after {name!r} is not supported")
    return Condition(scope, field, symbol, _value(name, field, symbol, value_kind, value))


def _field(name: str) -> tuple[str, str]:
    intrinsic = _ALIASES.get(name, name)
    if intrinsic in INTRINSICS:
        return "intrinsic", intrinsic
    scope, dot, field = name.partition(".")
    if dot and field and scope in {"", "span", "resource"}:
        return scope or "any", field
    raise UnsupportedQueryError(
        f"field {name!r} is not supported: resource.x, span.x, .x or one of {', '.join(INTRINSICS)}"
    )


def _value(name: str, field: str, symbol: str, kind: str, token: str) -> str | int | float | bool:
    if field in _DURATIONS and kind != "duration":
        raise UnsupportedQueryError(f"{name!r} is compared with a duration like 100ms, not with {token!r}")
    if "~" in symbol:
        return _pattern(name, kind, token)
    match kind:
        case "text":
            return _text(token)
        case "duration":
            return parse_duration(token)
        case "number":
            return float(token) if "." in token else int(token)
        case "field" if token in _BOOLEANS:
            return _BOOLEANS[token]
        case "field" if (field, token) in {*(("kind", k) for k in KINDS), *(("status", s) for s in STATUSES)}:
            return token
        case _:
            raise UnsupportedQueryError(f"value {token!r} of {name!r} is not supported")


def _text(token: str) -> str:
    if token.startswith("`"):
        return token[1:-1]
    try:
        return str(json.loads(token))
    except ValueError:
        raise UnsupportedQueryError(f"{token[:60]} is not a text: an escape in it is not known") from None


def _pattern(name: str, kind: str, token: str) -> str:
    if kind != "text":
        raise UnsupportedQueryError(f"{name!r} is matched with a regular expression in quotes, not with {token!r}")
    pattern = _text(token)
    try:
        re.compile(pattern)
    except re.error as error:
        raise UnsupportedQueryError(f"regular expression {pattern!r}: {error}") from None
    return pattern
