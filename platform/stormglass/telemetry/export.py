"""Export of finished spans: batched, on a thread, bounded; what cannot be delivered is dropped and counted."""

from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from stormglass.settings import Address, TelemetrySettings
from stormglass.telemetry import names
from stormglass.telemetry.logs import logger

_log = logger(__name__)


class CountingExporter(SpanExporter):
    """Passes spans on and counts what became of them."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self._delivered = names.SPANS_EXPORTED.counter()
        self._failed = names.SPANS_DROPPED.counter().labels("export_failed")
        self._down = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export one batch; a batch that fails is gone (the SDK does not keep it) and is counted as dropped."""
        reason = "it refused, timed out, or answered with an error"
        try:
            result = self._inner.export(spans)
        except Exception as error:  # noqa: BLE001 - whatever it was, these spans are lost and must be counted
            result, reason = SpanExportResult.FAILURE, f"{type(error).__name__}: {error}"
        delivered = result is SpanExportResult.SUCCESS
        (self._delivered if delivered else self._failed).inc(len(spans))
        # one line at the beginning of an outage and one at its end, whatever number of batches it takes
        if delivered and self._down:
            _log.info("spans are delivered again")
        elif not delivered and not self._down:
            _log.warning("spans cannot be delivered; they are dropped and counted until they can", reason=reason)
        self._down = not delivered
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
        self._stopped = False
        self._patience_ms = settings.export_timeout_ms
        self._full = names.SPANS_DROPPED.counter().labels("queue_full")
        self._late = names.SPANS_DROPPED.counter().labels("shutdown")
        self._waiting = self._batch_processor._queue  # noqa: SLF001 - the SDK offers no public view of its bounded buffer
        names.SPAN_QUEUE.gauge().set_function(lambda: len(self._waiting))

    def on_end(self, span: ReadableSpan) -> None:
        """Take a finished span without ever blocking its request."""
        if span.context is not None and span.context.trace_flags.sampled:
            if self._stopped:
                self._late.inc()
                return
            if len(self._waiting) >= self._limit:
                self._full.inc()
        super().on_end(span)

    def shutdown(self) -> None:
        """Deliver what waits within one export time-out; what is left then is dropped and counted."""
        if self._stopped:
            return
        self._stopped = True
        # the SDK's own method waits 30 s, longer than a process manager does
        self._batch_processor.shutdown(timeout_millis=self._patience_ms)
        self._late.inc(len(self._waiting))
        self._waiting.clear()


def span_processor(address: Address, settings: TelemetrySettings) -> CountingBatchProcessor:
    """A processor that delivers to the OTLP/HTTP endpoint at `address`."""
    exporter = OTLPSpanExporter(
        endpoint=f"{address.url}/v1/traces",
        timeout=settings.export_timeout_ms / 1000,
        compression=Compression.Gzip,
    )
    return CountingBatchProcessor(CountingExporter(exporter), settings)
