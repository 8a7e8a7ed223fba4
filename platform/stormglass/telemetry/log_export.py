"""Export of log lines as OTLP log records: batched, on a thread, bounded, as spans are; standard output stays as it is.

A record is made of the fields of the line on standard output. What OTLP has a place for stands there and nowhere else:
the event is the body, the level the severity, the logger the scope, service and replica the resource's, and the trace
and the span are the record's own. All other fields are attributes.
"""

import json
from collections.abc import Sequence
from logging import LogRecord as Line

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from structlog.types import EventDict, WrappedLogger

from stormglass.settings import Address, TelemetrySettings
from stormglass.telemetry import names
from stormglass.telemetry.delivery import Attempts, BoundedQueue, Signal

LONGEST = 8192
"""Characters of one value: a queue of tracebacks has to fit into a process' memory; standard output has them whole."""

_LINES = Signal(
    "log lines",
    exported=names.LOG_RECORDS_EXPORTED,
    dropped=names.LOG_RECORDS_DROPPED,
    errors=names.LOG_EXPORT_ERRORS,
    queue=names.LOG_QUEUE,
)
_ELSEWHERE = frozenset(
    {"event", "level", "logger", "timestamp", "service", "replica", "trace_id", "span_id", "_record", "_from_structlog"}
)
"""Fields of a line that a record has another place for, and structlog's own."""

_CONVENTIONAL = {"exception": "exception.stacktrace"}
"""Fields that OpenTelemetry's semantic conventions have a name for."""

_SEVERITIES = (
    SeverityNumber.TRACE,
    SeverityNumber.DEBUG,
    SeverityNumber.INFO,
    SeverityNumber.WARN,
    SeverityNumber.ERROR,
    SeverityNumber.FATAL,
)
"""By tens of the standard library's levels."""

_NO_CONTEXT = Context()


class CountingLogExporter(LogRecordExporter):
    """Passes log records on and counts what became of them."""

    def __init__(self, inner: LogRecordExporter) -> None:
        self._inner = inner
        self.attempts = Attempts(_LINES)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Export one batch."""
        delivered = self.attempts.attempt(
            len(batch), lambda: self._inner.export(batch) is LogRecordExportResult.SUCCESS
        )
        return LogRecordExportResult.SUCCESS if delivered else LogRecordExportResult.FAILURE

    def shutdown(self) -> None:
        """Close the connection to the pipeline."""
        self._inner.shutdown()  # type: ignore[no-untyped-call]  # it has no types

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is buffered here."""
        return True


class LogExport:
    """A processor of structlog's that takes every line as it goes to standard output, and leaves it as it is.

    The SDK's own way (`LoggerProvider`, and a handler that it has deprecated) would format each line a second time and
    check each attribute twice. What is used of it is the form of a record, the batches and the exporter.
    """

    def __init__(self, exporter: CountingLogExporter, settings: TelemetrySettings, resource: Resource) -> None:
        batches = BatchLogRecordProcessor(
            exporter,
            max_queue_size=settings.queue_lines,
            schedule_delay_millis=settings.export_interval_ms,
            max_export_batch_size=min(512, settings.queue_lines),
        )
        self._resource = resource
        self._scopes: dict[str, InstrumentationScope] = {}
        self._attempts = exporter.attempts
        self._emitted = names.LOG_RECORDS_EMITTED.counter()
        self._queue = BoundedQueue(
            _LINES,
            batches._batch_processor,  # noqa: SLF001 - its public door would copy the record once more
            exporter.attempts,
            settings.queue_lines,
            settings,
        )

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Take a line without ever blocking whoever wrote it."""
        # what the exporter says of itself would be its next export's load, for ever
        if not self._attempts.here:
            record = self._record(event)
            self._emitted.inc()
            self._queue.put(record)
        return event

    def shutdown(self) -> None:
        """Deliver what waits within one export time-out; what is left then is dropped and counted."""
        self._queue.shutdown()

    def _record(self, event: EventDict) -> ReadableLogRecord:
        line: Line = event["_record"]
        severity = _SEVERITIES[min(max(line.levelno // 10, 0), 5)]
        moment = int(line.created * 1e9)
        record = LogRecord(
            timestamp=moment,
            observed_timestamp=moment,
            severity_number=severity,
            severity_text=severity.name,
            body=_text(str(event.get("event", ""))),
            attributes={
                _CONVENTIONAL.get(name, name): _value(value)
                for name, value in event.items()
                if name not in _ELSEWHERE and value is not None
            },
        )
        # it would keep alive all that the request has in its context, for as long as the record waits
        record.context = _NO_CONTEXT
        return ReadableLogRecord(record, self._resource, self._scope(line.name))

    def _scope(self, name: str) -> InstrumentationScope:
        scope = self._scopes.get(name)
        if scope is None:
            scope = self._scopes[name] = InstrumentationScope(name)
        return scope


def _value(value: object) -> str | int | float:
    """A value as OTLP can carry it: what is neither text nor number is the text that stands on standard output."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) or (isinstance(value, int) and -(2**63) <= value < 2**63):
        return value
    if isinstance(value, dict | list | tuple):
        return _text(json.dumps(value, default=repr))
    return _text(repr(value))


def _text(text: str) -> str:
    """Text that fits into a record: a traceback says what at its end, where at its beginning."""
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} [...] {text[-LONGEST // 2 :]}"
    # half a surrogate pair, which a client can send as JSON, is no UTF-8: the whole batch would be lost
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def log_export(address: Address, settings: TelemetrySettings, resource: Resource) -> LogExport:
    """A processor that delivers to the OTLP/HTTP endpoint at `address`."""
    exporter = OTLPLogExporter(
        endpoint=f"{address.url}/v1/logs",
        timeout=settings.export_timeout_ms / 1000,
        compression=Compression.Gzip,
    )
    return LogExport(CountingLogExporter(exporter), settings, resource)
