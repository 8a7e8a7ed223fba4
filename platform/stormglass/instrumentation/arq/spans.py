"""What both ends of a queue say in their spans."""

from opentelemetry import trace
from opentelemetry.trace import Span, StatusCode

TRACER = trace.get_tracer(__name__)
"""Resolved when the first span is made, so the provider may be set later than this is imported."""


def messaging(operation: str, kind: str, queue: str, message_id: str | None) -> dict[str, str]:
    """Attributes by OpenTelemetry's messaging conventions; `operation` is ARQ's word, `kind` the conventions'."""
    attributes = {
        "messaging.system": "arq",
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
        "messaging.destination.name": queue,
    }
    if message_id:
        attributes["messaging.message.id"] = message_id
    return attributes


def record_error(span: Span, error: BaseException) -> None:
    """Make an error of what was raised; the text is in the event only, because it may hold anything."""
    kind = type(error).__qualname__
    span.record_exception(error)
    span.set_status(StatusCode.ERROR, kind)
    span.set_attribute("error.type", kind)
