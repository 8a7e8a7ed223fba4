"""What a query needs, in SQL: whatever does not meet it is not worth decoding.

It lets too much through, never too little. Attributes are searched for as bytes in the encoded span: a span that has
`http.route` = `/orders` contains both texts.
"""

import re
from collections.abc import Mapping

from observability.traces.attributes import Value
from observability.traces.query.conditions import And, Comparison, Condition, Or
from observability.traces.query.spansets import Both, Either, Filter, Spanset
from observability.traces.words import KINDS, STATUSES

Sql = tuple[str, tuple[object, ...]]
"""An expression and the values of its question marks."""

MAX_ORIGINS = 500
"""More of them are not worth listing in every statement."""

ALL: Sql = ("1", ())
NONE: Sql = ("0", ())

_NUMBERS = {"kind": KINDS, "status": STATUSES}
_COLUMNS = {
    "name": "spans.name",
    "duration": "spans.end_ns - spans.start_ns",
    "rootName": "traces.root_name",
    "rootServiceName": "traces.root_service",
    "traceDuration": "traces.end_ns - traces.start_ns",
}
_HAS = "instr(spans.body, ?) > 0"


def needed(condition: Condition | None, resources: Mapping[int, Mapping[str, Value]]) -> Sql:
    """The expression for a condition, over `spans` beside the row of `traces` they belong to.

    `resources` are the attributes of each origin, by its id.
    """
    match condition:
        case None:
            return ALL
        case And(parts):
            return _join(" AND ", [one for part in parts if (one := needed(part, resources)) != ALL], ALL)
        case Or(parts):
            each = [needed(part, resources) for part in parts]
            return ALL if ALL in each else _join(" OR ", each, NONE)
        case Comparison():
            return _comparison(condition, resources)


def traces_needed(spanset: Spanset, spans: Mapping[Filter, Sql]) -> Sql:
    """The expression over the table of traces, made of those for the filters: SQLite passes over the others alone."""
    match spanset:
        case Filter():
            text, values = spans[spanset]
            if (text, values) == ALL:
                return ALL
            of_trace = f"SELECT 1 FROM spans WHERE spans.trace_id = traces.trace_id AND {text}"  # noqa: S608 - values are bound
            return f"EXISTS ({of_trace})", values
        case Both(parts):
            return _join(" AND ", [one for part in parts if (one := traces_needed(part, spans)) != ALL], ALL)
        case Either(parts):
            each = [traces_needed(part, spans) for part in parts]
            return ALL if ALL in each else _join(" OR ", each, NONE)


def _join(word: str, parts: list[Sql], empty: Sql) -> Sql:
    if not parts:
        return empty
    return f"({word.join(text for text, _ in parts)})", tuple(value for _, values in parts for value in values)


def _comparison(one: Comparison, resources: Mapping[int, Mapping[str, Value]]) -> Sql:
    if one.field.scope == "intrinsic":
        return _intrinsic(one)
    # The ids are our own whole numbers. The plus keeps SQLite from looking all spans of an origin up in its index: what
    # is asked for is among those of one trace.
    origins = [str(key) for key, found in resources.items() if one.accepts(found.get(one.field.name))]
    of_origin = (f"+spans.origin IN ({','.join(origins)})", ()) if origins else NONE
    if len(origins) > MAX_ORIGINS:
        return ALL
    if one.field.scope == "resource":
        return of_origin
    if one.wanted is None and one.operator == "=":
        return ALL
    in_body = _in_body(one)
    return in_body if one.field.scope == "span" else _join(" OR ", [in_body, of_origin], NONE)


def _in_body(one: Comparison) -> Sql:
    key = one.field.name.encode()
    # bytes are compared as hexadecimal text, which is not what the span contains
    if one.operator == "=" and isinstance(one.wanted, str) and not re.fullmatch(r"(?:[0-9a-f]{2})*", one.wanted):
        return f"({_HAS} AND {_HAS})", (key, one.wanted.encode())
    return _HAS, (key,)


def _intrinsic(one: Comparison) -> Sql:
    name, symbol = one.field.name, one.operator
    if name in _NUMBERS:
        # numbers without a word count as the first one
        number = _NUMBERS[name].index(str(one.wanted))
        return (f"spans.{name} {symbol} ?", (number,)) if number else ALL
    # regular expressions are not SQLite's business
    return (f"{_COLUMNS[name]} {symbol} ?", (one.wanted,)) if name in _COLUMNS and "~" not in symbol else ALL
