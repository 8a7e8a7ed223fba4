"""The trace context as a job carries it: what the global propagator writes, by default `{"traceparent": …}`."""

from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagate import extract, inject

ARGUMENT = "_trace_context"
"""The keyword argument it travels in: ARQ has no headers, and its hooks do not see arguments."""

Carrier = Mapping[str, str]


def carried() -> dict[str, str]:
    """The current context; empty outside every trace."""
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier


def context_of(carrier: Carrier) -> Context:
    """A fresh context with that parent, or with none.

    Fresh, because a worker polls in a context that suppresses instrumentation: a job's own spans would vanish with it.
    """
    return extract(carrier, context=Context())


def links_to(carrier: Carrier) -> list[trace.Link]:
    """A link to the span that `carrier` names; none if it names none."""
    context = trace.get_current_span(context_of(carrier)).get_span_context()
    return [trace.Link(context)] if context.is_valid else []
