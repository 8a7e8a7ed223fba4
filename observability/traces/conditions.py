"""Conditions on one span, and the span as they see it."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from observability.traces.attributes import Value, plain_attributes

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")


@dataclass(frozen=True)
class Candidate:
    """A stored span under examination; its attributes are decoded only when a condition asks for them."""

    name: str
    kind: int
    status: int
    start_ns: int
    end_ns: int
    body: bytes
    resource: Mapping[str, Value]
    root_name: str | None
    root_service: str | None
    trace_duration_ns: int

    @cached_property
    def attributes(self) -> dict[str, Value]:
        """The span's own attributes."""
        return plain_attributes(Span.FromString(self.body).attributes)


INTRINSICS: dict[str, Callable[[Candidate], Value]] = {
    "name": lambda span: span.name,
    "kind": lambda span: KINDS[span.kind] if span.kind < len(KINDS) else "unspecified",
    "status": lambda span: STATUSES[span.status] if span.status < len(STATUSES) else "unset",
    "duration": lambda span: span.end_ns - span.start_ns,
    "rootName": lambda span: span.root_name,
    "rootServiceName": lambda span: span.root_service,
    "traceDuration": lambda span: span.trace_duration_ns,
}
"""TraceQL's intrinsic fields; durations in nanoseconds."""

_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True)
class Condition:
    """`field operator wanted`. `scope` is `intrinsic`, `resource`, `span`, or `any` (span first, then resource)."""

    scope: str
    field: str
    operator: str
    wanted: str | int | float | bool

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(str(self.wanted))

    def holds(self, span: Candidate) -> bool:
        """Whether the span meets it; a span without the field meets none."""
        found = self._found(span)
        return found is not None and self._compare(found)

    def _found(self, span: Candidate) -> Value:
        if self.scope == "intrinsic":
            return INTRINSICS[self.field](span)
        if self.scope == "resource":
            return span.resource.get(self.field)
        own = span.attributes.get(self.field)
        return span.resource.get(self.field) if own is None and self.scope == "any" else own

    def _compare(self, found: Value) -> bool:
        match self.operator:
            case "=":
                return _same_type(found, self.wanted) and found == self.wanted
            case "!=":
                return not _same_type(found, self.wanted) or found != self.wanted
            case "=~":
                return isinstance(found, str) and self._pattern.fullmatch(found) is not None
            case "!~":
                return isinstance(found, str) and self._pattern.fullmatch(found) is None
            case symbol:
                return _same_type(found, self.wanted) and _ORDERED[symbol](found, self.wanted)


def _same_type(left: Value, right: Value) -> bool:
    """Numbers compare with numbers, text with text; True is no number here."""
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool)
    if isinstance(left, int | float):
        return isinstance(right, int | float)
    return isinstance(left, str) and isinstance(right, str)
