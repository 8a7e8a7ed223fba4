"""A trace as its readers see it: small frozen values, ids in hexadecimal, times in nanoseconds since 1970."""

from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.trace.v1 import trace_pb2

from observability.traces.attributes import Value, plain_attributes
from observability.traces.words import KINDS, STATUSES, word


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at one moment within a span."""

    name: str
    time_unix_nano: int
    attributes: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Link:
    """A pointer to a span that caused this one without being its parent."""

    trace_id: str
    span_id: str
    attributes: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Span:
    """One operation. `parent_span_id` is empty for a root; `kind` and `status` are lower-case words."""

    span_id: str
    parent_span_id: str
    name: str
    service: str
    kind: str
    start_ns: int
    end_ns: int
    status: str = "unset"
    status_message: str = ""
    attributes: dict[str, Value] = field(default_factory=dict)
    resource: dict[str, Value] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def duration_ns(self) -> int:
        """Never negative, whatever the clocks said."""
        return max(self.end_ns - self.start_ns, 0)

    @property
    def failed(self) -> bool:
        """Whether the operation reported an error."""
        return self.status == "error"

    def as_json(self) -> dict[str, Any]:
        """The form `stormglass trace --json` prints."""
        return {
            "span_id": self.span_id,
            "parent_span_id": self.parent_span_id,
            "name": self.name,
            "service": self.service,
            "kind": self.kind,
            "start_time_unix_nano": self.start_ns,
            "end_time_unix_nano": self.end_ns,
            "duration_ms": self.duration_ns / 1e6,
            "status": self.status,
            "status_message": self.status_message,
            "attributes": self.attributes,
            "resource": self.resource,
            "events": [
                {"name": e.name, "time_unix_nano": e.time_unix_nano, "attributes": e.attributes} for e in self.events
            ],
            "links": [{"trace_id": k.trace_id, "span_id": k.span_id, "attributes": k.attributes} for k in self.links],
        }


@dataclass(frozen=True, slots=True)
class Trace:
    """All spans of a trace that have arrived, by their start."""

    trace_id: str
    spans: tuple[Span, ...]

    @property
    def missing_parents(self) -> frozenset[str]:
        """Ids that are named as a parent while no such span has arrived."""
        present = {span.span_id for span in self.spans}
        return frozenset(s.parent_span_id for s in self.spans if s.parent_span_id) - present

    @property
    def root(self) -> Span:
        """The earliest span without a parent; where there is none, the earliest one whose parent is missing."""
        return min(self.spans, key=lambda s: (bool(s.parent_span_id), s.parent_span_id not in self.missing_parents))

    def as_json(self) -> dict[str, Any]:
        """The form `stormglass trace --json` prints."""
        return {"trace_id": self.trace_id, "spans": [span.as_json() for span in self.spans]}


def trace_of(data: trace_pb2.TracesData, trace_id: str) -> Trace:
    """Read the spans of trace `trace_id` out of OTLP's `TracesData`."""
    spans = [
        _span(span, plain_attributes(resource_spans.resource.attributes))
        for resource_spans in data.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    ]
    return Trace(trace_id, tuple(sorted(spans, key=lambda span: span.start_ns)))


def _span(span: trace_pb2.Span, resource: dict[str, Value]) -> Span:
    return Span(
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex(),
        name=span.name,
        service=str(resource.get("service.name", "unknown_service")),
        kind=word(KINDS, span.kind),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        status=word(STATUSES, span.status.code),
        status_message=span.status.message,
        attributes=plain_attributes(span.attributes),
        resource=resource,
        events=tuple(Event(e.name, e.time_unix_nano, plain_attributes(e.attributes)) for e in span.events),
        links=tuple(Link(k.trace_id.hex(), k.span_id.hex(), plain_attributes(k.attributes)) for k in span.links),
    )
