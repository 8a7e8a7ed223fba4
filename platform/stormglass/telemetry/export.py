"""Export of finished spans: batched, on a thread, bounded; what cannot be delivered is dropped and counted."""

import threading
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
    """Passes spans on and counts what became of them. `in_flight` are those of the batch that is under way."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self._delivered = names.SPANS_EXPORTED.counter()
        self._failed = names.SPANS_DROPPED.counter().labels("export_failed")
        self._errors = names.EXPORT_ERRORS.counter()
        self._down = False
        self.in_flight = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export one batch; a batch that fails is gone (the SDK does not keep it) and is counted as dropped."""
        self.in_flight = len(spans)
        reason = "it refused, timed out, or answered with an error"
        try:
            result = self._inner.export(spans)
        except Exception as error:  # noqa: BLE001 - whatever it was, these spans are lost and must be counted
            result, reason = SpanExportResult.FAILURE, f"{type(error).__name__}: {error}"
        delivered = result is SpanExportResult.SUCCESS
        (self._delivered if delivered else self._failed).inc(len(spans))
        self._errors.inc(not delivered)
        self.in_flight = 0
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
    """The SDK's batch processor, which counts each span that finds the queue full.

    The SDK would drop the oldest one then, at a moment of its own. Here the newest is not taken: the count is exact,
    and what is delivered after an outage shows how it began.
    """

    def __init__(self, exporter: CountingExporter, settings: TelemetrySettings) -> None:
        super().__init__(
            exporter,
            max_queue_size=settings.queue_spans,
            schedule_delay_millis=settings.export_interval_ms,
            max_export_batch_size=min(512, settings.queue_spans),
        )
        self._limit = settings.queue_spans
        self._stopped = False
        self._lock = threading.Lock()
        self._patience_ms = settings.export_timeout_ms
        self._ended = names.SPANS_ENDED.counter()
        self._full = names.SPANS_DROPPED.counter().labels("queue_full")
        self._late = names.SPANS_DROPPED.counter().labels("shutdown")
        self._waiting = self._batch_processor._queue  # noqa: SLF001 - the SDK offers no public view of its bounded buffer
        names.SPAN_QUEUE.gauge().set_function(lambda: len(self._waiting) + exporter.in_flight)

    def on_end(self, span: ReadableSpan) -> None:
        """Take a finished span of a trace that was chosen."""
        if span.context is not None and span.context.trace_flags.sampled:
            self._ended.inc()
            self.deliver(span)

    def deliver(self, span: ReadableSpan) -> None:
        """Take a finished span, chosen or not, without ever blocking its request."""
        # several threads may end spans; the one that exports only ever makes room
        with self._lock:
            if self._stopped:
                self._late.inc()
            elif len(self._waiting) >= self._limit:
                self._full.inc()
            else:
                self._batch_processor.emit(span)

    def shutdown(self) -> None:
        """Deliver what waits within one export time-out; what is left then is dropped and counted."""
        with self._lock:
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
