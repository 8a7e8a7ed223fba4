"""Trace context as text, for where it travels in a row or a job rather than in a header."""

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.propagate import inject


def current() -> str:
    """The current span as a `traceparent` (W3C Trace Context); empty where there is none."""
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier.get("traceparent", "")


def trace_id() -> str:
    """Trace id of the current span, 32 hex digits; empty where there is none."""
    span_context = trace.get_current_span(otel_context.get_current()).get_span_context()
    return format(span_context.trace_id, "032x") if span_context.is_valid else ""


def exemplar() -> dict[str, str] | None:
    """The exemplar that ties an observation to the current trace, if it is sampled."""
    span_context = trace.get_current_span().get_span_context()
    return {"trace_id": format(span_context.trace_id, "032x")} if span_context.trace_flags.sampled else None
