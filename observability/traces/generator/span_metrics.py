"""Rate, errors and duration of every kind of span."""

from typing import NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from prometheus_client import Counter, Histogram

from observability.traces.generator.series import Bounded, Labels
from observability.traces.rows import SpanRow
from stormglass.telemetry import names

_KINDS = {number: name for name, number in Span.SpanKind.items()}
_STATUSES = {number: name for name, number in Status.StatusCode.items()}


class _Series(NamedTuple):
    calls: Counter
    latency: Histogram


def _make(labels: Labels) -> _Series:
    return _Series(
        names.SPANMETRICS_CALLS.counter().labels(*labels), names.SPANMETRICS_LATENCY.histogram().labels(*labels)
    )


class SpanMetrics:
    """Counts and times spans by service, name, kind and status."""

    def __init__(self) -> None:
        self._series = Bounded("spanmetrics", names.MAX_SPAN_KINDS, _make)

    def observe(self, span: SpanRow) -> None:
        """Take one span into account."""
        kind = _KINDS.get(span.kind, _KINDS[0])
        status = _STATUSES.get(span.status, _STATUSES[0])
        series = self._series.of((span.origin.service, span.name, kind, status))
        series.calls.inc()
        series.latency.observe(span.seconds, {"trace_id": span.trace_id.hex()})
