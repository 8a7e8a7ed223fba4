"""What every task has in common: its span, its metrics, its time limit, its retries, its end as a dead letter.

ARQ's hooks do not see a job's arguments, so the trace travels as two of them and the span is opened here.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from arq.worker import Function, Retry, func
from opentelemetry import trace
from opentelemetry.trace import Span

from stormglass.data.queue import QUEUE
from stormglass.instrumentation.arq import Instruments, processing, record_error
from stormglass.resilience.backoff import backoff
from stormglass.service.client import ServiceClient
from stormglass.telemetry import names
from stormglass.telemetry.logs import logger
from worker.dead_letters import DeadLetters
from worker.mail import Mail
from worker.outbox import Outbox
from worker.settings import WorkerSettings

_log = logger(__name__)
_tracer = trace.get_tracer(__name__)


class Hopeless(Exception):
    """Trying again will not help: the job becomes a dead letter at once."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, as the outbox recorded it."""

    id: uuid.UUID
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tools:
    """What tasks work with."""

    services: ServiceClient
    mail: Mail
    outbox: Outbox
    dead_letters: DeadLetters
    settings: WorkerSettings


Handler = Callable[[Tools, Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Job:
    name: str
    handler: Handler
    event: Event
    traceparent: str
    attempt: int
    tools: Tools


def task(handler: Handler) -> Function:
    """Make a task of `handler`, under its own name. It must be repeatable: it runs at least once.

    The name of an event's task is the event's kind with `_` for `.`.
    """
    name: str = handler.__name__

    async def run(
        ctx: dict[str, Any], event_id: str, payload: dict[str, Any], traceparent: str, enqueued_by: str
    ) -> None:
        job = _Job(name, handler, Event(uuid.UUID(event_id), payload), traceparent, ctx["job_try"], ctx["tools"])
        with processing(
            name,
            job_id=event_id,
            attempt=job.attempt,
            due=ctx["enqueue_time"].timestamp(),
            parent={"traceparent": traceparent},
            producer={"traceparent": enqueued_by},
            queue=QUEUE,
            instruments=Instruments(names.QUEUE_WAIT.histogram(), names.JOB_DURATION.histogram()),
            tracer=_tracer,
        ) as running:
            running.outcome = "retry"  # also where a drain cancels it: the queue starts it again
            running.outcome = await _attempt(job, running.span)
        if running.outcome == "retry":
            wanted = job.tools.settings
            pause = backoff(job.attempt, base=wanted.backoff_seconds, cap=wanted.backoff_cap_seconds)
            raise Retry(defer=pause)

    return func(run, name=name)


async def _attempt(job: _Job, span: Span) -> str:
    clock = asyncio.timeout(job.tools.settings.job_seconds)
    try:
        if job.attempt > job.tools.settings.max_attempts:
            raise Hopeless("every attempt ended without an answer, most likely with its worker")  # noqa: TRY301 - one place records and buries
        async with clock:
            await job.handler(job.tools, job.event)
            await job.tools.outbox.finish(job.event.id)
    except asyncio.CancelledError:
        names.JOB_RETRIES.counter().labels(job.name, "interrupted").inc()
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, a mistake of ours included: retried, then kept
        outcome = await _failed(job, span, error)
        if clock.expired():
            names.DEADLINE_EXCEEDED.counter().labels("job").inc()
        if outcome == "retry":
            names.JOB_RETRIES.counter().labels(job.name, "timeout" if clock.expired() else "failed").inc()
        return outcome
    _log.info("job done", task=job.name, event_id=str(job.event.id), attempt=job.attempt)
    return "done"


async def _failed(job: _Job, span: Span, error: Exception) -> str:
    record_error(span, error)
    about = {"task": job.name, "event_id": str(job.event.id), "attempt": job.attempt}
    reason = f"{type(error).__name__}: {error}"
    if not isinstance(error, Hopeless) and job.attempt < job.tools.settings.max_attempts:
        _log.warning("job failed, will be tried again", reason=reason, **about)
        return "retry"
    try:
        await job.tools.dead_letters.bury(
            job.event.id,
            task=job.name,
            payload=job.event.payload,
            traceparent=job.traceparent,
            error=reason,
            attempts=job.attempt,
        )
        # only now: in the other order a crash between the two would lose the event
        await job.tools.outbox.finish(job.event.id)
    except Exception as failure:  # noqa: BLE001 - a job that cannot be buried stays in the queue, whatever the reason
        _log.warning("dead letter could not be kept", reason=f"{type(failure).__name__}: {failure}", **about)
        return "retry"
    names.DEAD_LETTERS.counter().labels(job.name).inc()
    _log.error("job given up: a dead letter now", reason=reason, **about)
    return "dead"
