"""Enqueueing a job inside a span, with its trace context on board."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from arq.connections import ArqRedis
from arq.constants import default_queue_name
from arq.jobs import Job
from opentelemetry.trace import Span, SpanKind, Tracer
from opentelemetry.util.types import AttributeValue

from .carrier import ARGUMENT, Carrier, carried, context_of
from .spans import TRACER, messaging, record_error


@contextmanager
def enqueuing(
    task: str,
    *,
    queue: str = default_queue_name,
    job_id: str | None = None,
    parent: Carrier | None = None,
    attributes: Mapping[str, AttributeValue] | None = None,
    tracer: Tracer | None = None,
) -> Iterator[Span]:
    """The producer's span around whatever hands a job over; `parent` where it is not the current span."""
    with (tracer or TRACER).start_as_current_span(
        f"enqueue {task}",
        context=None if parent is None else context_of(parent),
        kind=SpanKind.PRODUCER,
        attributes={**messaging("enqueue", "send", queue, job_id), **(attributes or {})},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except Exception as error:
            record_error(span, error)
            raise


def accepted(span: Span, job_id: str | None) -> None:
    """Say what the queue answered: the job's id, or None for a job whose id it knows already."""
    span.set_attribute("queue.accepted", job_id is not None)
    if job_id is not None:
        span.set_attribute("messaging.message.id", job_id)


async def enqueue(pool: ArqRedis, task: str, /, *args: Any, **kwargs: Any) -> Job | None:
    """`pool.enqueue_job(task, …)` with all its arguments, inside a span and with the trace on board.

    The task must be `traced`: to any other the extra keyword argument is one too many. So let the workers know first,
    then use this.

    Returns:
        The job; None if the queue has one of the same id.
    """
    queue = kwargs.get("_queue_name") or pool.default_queue_name
    with enqueuing(task, queue=queue, job_id=kwargs.get("_job_id")) as span:
        if carrier := carried():
            kwargs[ARGUMENT] = carrier
        job = await pool.enqueue_job(task, *args, **kwargs)
        accepted(span, job.job_id if job else None)
    return job
