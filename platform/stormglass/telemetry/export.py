"""Export of finished spans: batched, on a thread, bounded; what cannot be delivered is dropped and counted."""

from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from stormglass.settings import Address, TelemetrySettings
from stormglass.telemetry import names
from stormglass.telemetry.delivery import Attempts, BoundedQueue, Signal

_SPANS = Signal(
    "spans",
    exported=names.SPANS_EXPORTED,
    dropped=names.SPANS_DROPPED,
    errors=names.EXPORT_ERRORS,
    queue=names.SPAN_QUEUE,
)


class CountingExporter(SpanExporter):
    """Passes spans on and counts what became of them."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self.attempts = Attempts(_SPANS)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export one batch."""
        delivered = self.attempts.attempt(len(spans), lambda: self._inner.export(spans) is SpanExportResult.SUCCESS)
        return SpanExportResult.SUCCESS if delivered else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Close the connection to the trace pipeline."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is buffered here."""
        return True


class CountingBatchProcessor(BatchSpanProcessor):
    """The SDK's batch processor, which counts each span that finds the queue full."""

    def __init__(self, exporter: CountingExporter, settings: TelemetrySettings) -> None:
        super().__init__(
            exporter,
            max_queue_size=settings.queue_spans,
            schedule_delay_millis=settings.export_interval_ms,
            max_export_batch_size=min(512, settings.queue_spans),
        )
        self._ended = names.SPANS_ENDED.counter()
        self._queue = BoundedQueue(_SPANS, self._batch_processor, exporter.attempts, settings.queue_spans, settings)

    def on_end(self, span: ReadableSpan) -> None:
        """Take a finished span of a trace that was chosen."""
        if span.context is not None and span.context.trace_flags.sampled:
            self._ended.inc()
            self.deliver(span)

    def deliver(self, span: ReadableSpan) -> None:
        """Take a finished span, chosen or not, without ever blocking its request."""
        self._queue.put(span)

    def shutdown(self) -> None:
        """Deliver what waits within one export time-out; what is left then is dropped and counted."""
        self._queue.shutdown()


def span_processor(address: Address, settings: TelemetrySettings) -> CountingBatchProcessor:
    """A processor that delivers to the OTLP/HTTP endpoint at `address`."""
    exporter = OTLPSpanExporter(
        endpoint=f"{address.url}/v1/traces",
        timeout=settings.export_timeout_ms / 1000,
        compression=Compression.Gzip,
    )
    return CountingBatchProcessor(CountingExporter(exporter), settings)
