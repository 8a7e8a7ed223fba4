"""Conditions on one span: comparisons, joined by `&&` and `||`."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from observability.traces.attributes import Value
from observability.traces.query.candidate import Candidate, Field
from observability.traces.query.pattern import compiled

Literal: TypeAlias = "str | int | float | bool | None"
"""What a field is compared with; durations in nanoseconds, None for `nil`."""

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True)
class Comparison:
    """`field operator wanted`. As in Tempo, a span without the field, or with another type, meets none, even `!=`."""

    field: Field
    operator: str
    wanted: Literal

    def holds(self, span: Candidate) -> bool:
        """Whether the span meets it. Of a list some element has to; for `!=` and `!~` all have to."""
        return self.accepts(self.field.read(span))

    def accepts(self, found: Value) -> bool:
        """Whether a value meets it."""
        if self.wanted is None:
            return (found is None) == (self.operator == "=")
        if isinstance(found, list):
            every = self.operator in {"!=", "!~"}
            return bool(found) and (all if every else any)(self._compare(item) for item in found)
        return self._compare(found)

    @cached_property
    def _pattern(self) -> Any:
        return compiled(str(self.wanted))

    def _compare(self, found: Value) -> bool:
        if self.operator in {"=~", "!~"}:
            # anchored at both ends, as in Tempo
            return isinstance(found, str) and (self._pattern.fullmatch(found) is None) == (self.operator == "!~")
        return _same_type(found, self.wanted) and _COMPARE[self.operator](found, self.wanted)


@dataclass(frozen=True)
class And:
    """All parts hold, of the same span."""

    parts: tuple["Condition", ...]

    def holds(self, span: Candidate) -> bool:
        """Whether the span meets it."""
        return all(part.holds(span) for part in self.parts)


@dataclass(frozen=True)
class Or:
    """At least one part holds."""

    parts: tuple["Condition", ...]

    def holds(self, span: Candidate) -> bool:
        """Whether the span meets it."""
        return any(part.holds(span) for part in self.parts)


Condition: TypeAlias = Comparison | And | Or


def comparisons(condition: Condition) -> list[Comparison]:
    """Every comparison in a condition, from left to right."""
    if isinstance(condition, Comparison):
        return [condition]
    return [found for part in condition.parts for found in comparisons(part)]


def _same_type(left: Value, right: Literal) -> bool:
    """Numbers compare with numbers, text with text; True is no number here."""
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool)
    if isinstance(left, int | float):
        return isinstance(right, int | float)
    return isinstance(left, str) and isinstance(right, str)
