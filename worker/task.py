"""What every task has in common: its span, its metrics, its time limit, its retries, its end as a dead letter.

ARQ's hooks do not see a job's arguments, so the trace travels as two of them and the span is opened here. The consumer
polls with instrumentation suppressed; the span's context is a fresh one, or the job's own spans would vanish too.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from arq.worker import Function, Retry, func
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from stormglass.data.queue import QUEUE
from stormglass.resilience.backoff import backoff
from stormglass.service.client import ServiceClient
from stormglass.telemetry import carrier, names
from stormglass.telemetry.logs import logger
from worker.dead_letters import DeadLetters
from worker.mail import Mail
from worker.outbox import Outbox
from worker.settings import WorkerSettings

_log = logger(__name__)


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
        waited = time.time() - ctx["enqueue_time"].timestamp()
        link = carrier.link(enqueued_by)
        token = otel_context.attach(carrier.context_of(traceparent))
        try:
            with trace.get_tracer("worker.task").start_as_current_span(
                f"process {name}",
                kind=SpanKind.CONSUMER,
                links=[link] if link else [],
                attributes={
                    "messaging.system": "arq",
                    "messaging.operation.name": "process",
                    "messaging.operation.type": "process",
                    "messaging.destination.name": QUEUE,
                    "messaging.message.id": event_id,
                    "job.attempt": job.attempt,
                },
            ):
                names.QUEUE_WAIT.histogram().labels(name).observe(max(0.0, waited), carrier.exemplar())
                outcome = await _measured(job)
        finally:
            otel_context.detach(token)
        if outcome == "retry":
            wanted = job.tools.settings
            pause = backoff(job.attempt, base=wanted.backoff_seconds, cap=wanted.backoff_cap_seconds)
            raise Retry(defer=pause)

    return func(run, name=name)


async def _measured(job: _Job) -> str:
    begun = time.perf_counter()
    outcome = "retry"  # also where a drain cancels it: the queue starts it again
    try:
        outcome = await _attempt(job)
    finally:
        elapsed = time.perf_counter() - begun
        names.JOB_DURATION.histogram().labels(job.name, outcome).observe(elapsed, carrier.exemplar())
    return outcome


async def _attempt(job: _Job) -> str:
    try:
        if job.attempt > job.tools.settings.max_attempts:
            raise Hopeless("every attempt ended without an answer, most likely with its worker")  # noqa: TRY301 - one place records and buries
        async with asyncio.timeout(job.tools.settings.job_seconds):
            await job.handler(job.tools, job.event)
            await job.tools.outbox.finish(job.event.id)
    except Exception as error:  # noqa: BLE001 - whatever it is, a mistake of ours included: retried, then kept
        return await _failed(job, error)
    _log.info("job done", task=job.name, event_id=str(job.event.id), attempt=job.attempt)
    return "done"


async def _failed(job: _Job, error: Exception) -> str:
    span = trace.get_current_span()
    span.record_exception(error)
    span.set_status(StatusCode.ERROR, type(error).__name__)
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
