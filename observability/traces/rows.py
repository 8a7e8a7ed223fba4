"""From an export request to the rows the store writes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from observability.traces.far_end import FarEnd, far_end

_LATEST_NS = 2**63 - 1  # SQLite's integers are signed


class Origin(NamedTuple):
    """Who made spans: resource and instrumentation scope, kept once for all of them.

    `body` is a `ResourceSpans` message with one scope and no spans; `digest` is its hash.
    """

    digest: bytes
    service: str
    body: bytes


class SpanRow(NamedTuple):
    """One span; `parent_id` is empty for a root, `body` is its OTLP message. Times in nanoseconds since 1970.

    `caller` is the trace and span that asked for it: its parent, or the sender of the message it processes.
    """

    trace_id: bytes
    span_id: bytes
    origin: Origin
    name: str
    kind: int
    status: int
    start_ns: int
    end_ns: int
    parent_id: bytes
    caller: tuple[bytes, bytes] | None
    far_end: FarEnd
    body: bytes

    @property
    def is_root(self) -> bool:
        """Whether it has no parent."""
        return not self.parent_id

    @property
    def seconds(self) -> float:
        """Its duration, never negative, whatever the clocks said."""
        return max(self.end_ns - self.start_ns, 0) / 1e9


@dataclass(slots=True)
class Batch:
    """The spans of one export request. `size` is their encoded size in bytes."""

    spans: list[SpanRow] = field(default_factory=list)
    rejected: int = 0
    rejected_because: str = ""
    size: int = 0


def batch_of(request: ExportTraceServiceRequest) -> Batch:
    """Rows of all valid spans; the others are counted, with the reason of the first."""
    batch = Batch()
    for origin, span in _spans(request):
        if problem := _problem(span):
            batch.rejected += 1
            batch.rejected_because = batch.rejected_because or problem
            continue
        body = span.SerializeToString()
        batch.size += len(body)
        batch.spans.append(
            SpanRow(
                span.trace_id,
                span.span_id,
                origin,
                span.name,
                span.kind,
                span.status.code,
                span.start_time_unix_nano,
                span.end_time_unix_nano,
                span.parent_span_id,
                _caller(span),
                far_end(span),
                body,
            )
        )
    return batch


def _spans(request: ExportTraceServiceRequest) -> Iterator[tuple[Origin, Span]]:
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            origin = _origin(resource_spans, scope_spans)
            for span in scope_spans.spans:
                yield origin, span


def _origin(resource_spans: ResourceSpans, scope_spans: ScopeSpans) -> Origin:
    scope = ScopeSpans(scope=scope_spans.scope, schema_url=scope_spans.schema_url)
    resource = resource_spans.resource
    message = ResourceSpans(resource=resource, schema_url=resource_spans.schema_url, scope_spans=[scope])
    body = message.SerializeToString(deterministic=True)
    names = (pair.value.string_value for pair in resource.attributes if pair.key == "service.name")
    return Origin(blake2b(body, digest_size=16).digest(), next(names, "unknown_service"), body)


def _caller(span: Span) -> tuple[bytes, bytes] | None:
    if span.kind == Span.SPAN_KIND_CONSUMER and span.links:
        # a message's sender is often linked to rather than a parent; that of the first message stands for all
        return span.links[0].trace_id, span.links[0].span_id
    return (span.trace_id, span.parent_span_id) if span.parent_span_id else None


def _problem(span: Span) -> str:
    """Why a span cannot be stored; empty if it can."""
    if len(span.trace_id) != 16 or not any(span.trace_id):
        return f"trace id {span.trace_id.hex()!r} has not 16 bytes, or only zeros"
    if len(span.span_id) != 8 or not any(span.span_id):
        return f"span id {span.span_id.hex()!r} has not 8 bytes, or only zeros"
    if max(span.start_time_unix_nano, span.end_time_unix_nano) > _LATEST_NS:
        return f"span {span.span_id.hex()} has a time after the year 2262"
    return ""
