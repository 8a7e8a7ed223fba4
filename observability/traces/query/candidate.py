"""A stored span under examination, and the fields of it that a query can name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from observability.traces.attributes import Value, plain_attributes
from observability.traces.words import KINDS, STATUSES, word


@dataclass(frozen=True)
class TraceFacts:
    """What the store knows about a trace without its spans. Times in nanoseconds since 1970."""

    trace_id: bytes
    start_ns: int
    end_ns: int
    root_name: str | None
    root_service: str | None


@dataclass(frozen=True)
class Candidate:
    """One span; its message is decoded only when a condition asks for what is in it."""

    span_id: bytes
    name: str
    kind: int
    status: int
    start_ns: int
    end_ns: int
    body: bytes
    resource: Mapping[str, Value]
    trace: TraceFacts

    @cached_property
    def message(self) -> Span:
        """The span as it was sent."""
        span: Span = Span.FromString(self.body)
        return span

    @cached_property
    def attributes(self) -> dict[str, Value]:
        """The span's own attributes."""
        return plain_attributes(self.message.attributes)


INTRINSICS: dict[str, Callable[[Candidate], Value]] = {
    "name": lambda span: span.name,
    "kind": lambda span: word(KINDS, span.kind),
    "status": lambda span: word(STATUSES, span.status),
    "statusMessage": lambda span: str(span.message.status.message),
    "duration": lambda span: span.end_ns - span.start_ns,
    "rootName": lambda span: span.trace.root_name,
    "rootServiceName": lambda span: span.trace.root_service,
    "traceDuration": lambda span: span.trace.end_ns - span.trace.start_ns,
}
"""TraceQL's intrinsic fields; durations in nanoseconds."""

ALIASES = {
    "span:name": "name",
    "span:kind": "kind",
    "span:status": "status",
    "span:statusMessage": "statusMessage",
    "span:duration": "duration",
    "trace:rootName": "rootName",
    "trace:rootService": "rootServiceName",
    "trace:duration": "traceDuration",
}
"""TraceQL's newer spellings of them."""

DURATIONS = frozenset({"duration", "traceDuration"})
WORDS = {"kind": KINDS, "status": STATUSES}
"""Intrinsics whose values are keywords."""


@dataclass(frozen=True)
class Field:
    """A field of a span. `scope` is `intrinsic`, `resource`, `span`, or `any` (span first, then resource)."""

    scope: str
    name: str

    def read(self, span: Candidate) -> Value:
        """Its value; None where the span has no such field."""
        if self.scope == "intrinsic":
            return INTRINSICS[self.name](span)
        if self.scope == "resource":
            return span.resource.get(self.name)
        own = span.attributes.get(self.name)
        return span.resource.get(self.name) if own is None and self.scope == "any" else own
