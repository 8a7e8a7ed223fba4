"""Export of finished spans: batched, on a thread, bounded; what cannot be delivered is dropped and counted."""

from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from stormglass.settings import Address, TelemetrySettings
from stormglass.telemetry import names


class CountingExporter(SpanExporter):
    """Passes spans on and counts what became of them."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self._delivered = names.SPANS_EXPORTED.counter()
        self._failed = names.SPANS_DROPPED.counter().labels("export_failed")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export one batch; a batch that fails is gone (the SDK does not keep it) and is counted as dropped."""
        result = self._inner.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._delivered.inc(len(spans))
        else:
            self._failed.inc(len(spans))
        return result

    def shutdown(self) -> None:
        """Close the connection to the trace pipeline."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is buffered here."""
        return True


class CountingBatchProcessor(BatchSpanProcessor):
    """The SDK's batch processor; a span that finds the queue full is counted before the SDK drops the oldest one."""

    def __init__(self, exporter: SpanExporter, settings: TelemetrySettings) -> None:
        super().__init__(
            exporter,
            max_queue_size=settings.queue_spans,
            schedule_delay_millis=settings.export_interval_ms,
            max_export_batch_size=min(512, settings.queue_spans),
        )
        self._limit = settings.queue_spans
        self._full = names.SPANS_DROPPED.counter().labels("queue_full")
        # the SDK offers no public view of its queue; the deque is its documented bounded buffer
        self._waiting = self._batch_processor._queue  # noqa: SLF001
        names.SPAN_QUEUE.gauge().set_function(lambda: len(self._waiting))

    def on_end(self, span: ReadableSpan) -> None:
        """Take a finished span without ever blocking its request."""
        if span.context is not None and span.context.trace_flags.sampled and len(self._waiting) >= self._limit:
            self._full.inc()
        super().on_end(span)


def span_processor(address: Address, settings: TelemetrySettings) -> CountingBatchProcessor:
    """A processor that delivers to the OTLP/HTTP endpoint at `address`."""
    exporter = OTLPSpanExporter(
        endpoint=f"{address.url}/v1/traces",
        timeout=settings.export_timeout_ms / 1000,
        compression=Compression.Gzip,
    )
    return CountingBatchProcessor(CountingExporter(exporter), settings)
