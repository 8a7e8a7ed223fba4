"""One attempt at a job: its span, in a context of its own, and its two measurements."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from arq.constants import default_queue_name
from arq.worker import Retry, RetryJob
from opentelemetry import context as otel_context
from opentelemetry.trace import Span, SpanKind, Tracer

from .carrier import Carrier, context_of, links_to
from .instruments import Instruments, default_instruments
from .spans import TRACER, messaging, record_error


@dataclass(slots=True)
class Processing:
    """A job at work. Whoever knows better than `outcome_of()` sets `outcome`; its values must be few."""

    span: Span
    outcome: str = ""


@contextmanager
def processing(
    task: str,
    *,
    job_id: str,
    attempt: int,
    due: float,
    parent: Carrier,
    producer: Carrier,
    queue: str = default_queue_name,
    instruments: Instruments | None = None,
    tracer: Tracer | None = None,
) -> Iterator[Processing]:
    """Do a job inside the block.

    Its span is a child of `parent` and linked to `producer`, the span that enqueued it (the two may be the same). `due`
    is when it could have begun, in seconds since 1970; `attempt` counts from 1.
    """
    measured = instruments or default_instruments()
    waited = max(0.0, time.time() - due)
    begun = time.perf_counter()
    token = otel_context.attach(context_of(parent))
    try:
        with (tracer or TRACER).start_as_current_span(
            f"process {task}",
            kind=SpanKind.CONSUMER,
            links=links_to(producer),
            attributes={**messaging("process", "process", queue, job_id), "job.attempt": attempt},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            tie = _exemplar(span)
            measured.wait.labels(task).observe(waited, tie)
            job = Processing(span)
            try:
                yield job
            except BaseException as error:
                job.outcome = job.outcome or outcome_of(error)
                _describe(span, error)
                raise
            finally:
                outcome = job.outcome or "done"
                span.set_attribute("job.outcome", outcome)
                measured.duration.labels(task, outcome).observe(time.perf_counter() - begun, tie)
    finally:
        otel_context.detach(token)


def outcome_of(error: BaseException) -> str:
    """`retry` (the task asks for another attempt), `cancelled` (ARQ's time limit, an abort, a stop) or `failed`."""
    if isinstance(error, Retry | RetryJob):
        return "retry"
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "failed"


def _describe(span: Span, error: BaseException) -> None:
    """To ask for another attempt is no error in itself; what it was asked for because of, is."""
    if isinstance(error, Retry | RetryJob):
        hidden = None if error.__suppress_context__ else error.__context__
        if cause := error.__cause__ or hidden:
            record_error(span, cause)
    elif isinstance(error, Exception):
        record_error(span, error)


def _exemplar(span: Span) -> dict[str, str] | None:
    """The label that ties an observation to its trace; None for a trace that is not kept."""
    context = span.get_span_context()
    return {"trace_id": format(context.trace_id, "032x")} if context.trace_flags.sampled else None
