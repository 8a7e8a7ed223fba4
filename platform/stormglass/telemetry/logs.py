"""Logs: one JSON object a line on standard output, with the trace and span it belongs to."""

import logging
import sys
from typing import Any

import structlog
from opentelemetry import trace
from structlog.types import EventDict, Processor, WrappedLogger

from stormglass.settings import ProcessSettings


def _trace_ids(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = format(context.trace_id, "032x")
        event["span_id"] = format(context.span_id, "016x")
    return event


def configure_logs(settings: ProcessSettings, export: Processor | None = None) -> None:
    """Send structlog and the standard library's loggers through the same JSON line writer.

    `export` is shown every line as well, complete and with the standard library's record of it.
    """

    def process_name(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = settings.service
        event["replica"] = settings.replica
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        process_name,
        _trace_ids,
        structlog.processors.format_exc_info,
    ]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[
                *([export] if export else []),
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    # These repeat what our own lines and metrics already say.
    for noisy in ("uvicorn.access", "uvicorn.error", "httpx", "arq.worker", "opentelemetry.attributes"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # an outage of the trace pipeline is one line of ours, not two for every batch
    exporters = "opentelemetry.exporter.otlp.proto.http"
    for silent in (f"{exporters}.trace_exporter", f"{exporters}._log_exporter", "opentelemetry.sdk._shared_internal"):
        logging.getLogger(silent).setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def logger(name: str) -> Any:
    """A structured logger: `logger(__name__).info("order placed", order_id=…)`."""
    return structlog.stdlib.get_logger(name)
