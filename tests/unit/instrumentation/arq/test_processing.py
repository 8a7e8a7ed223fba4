"""One attempt at a job, without a queue: its span, its outcome, its measurements."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from arq.worker import Retry, RetryJob, func
from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_instrumentation_enabled, suppress_instrumentation
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from prometheus_client import CollectorRegistry

from stormglass.instrumentation.arq import Instruments, Processing, enqueuing, processing, quiet, quiet_startup, traced

TRACE, REQUEST, PRODUCER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7"


def carrier(span: str) -> dict[str, str]:
    return {"traceparent": f"00-{TRACE}-{span}-01"}


@pytest.fixture
def instruments(registry: CollectorRegistry) -> Instruments:
    return Instruments.create(registry)


@pytest.fixture
def attempt(tracer: Tracer, instruments: Instruments) -> Callable[..., AbstractContextManager[Processing]]:
    def begun(**changed: Any) -> AbstractContextManager[Processing]:
        usual = {"job_id": "7", "attempt": 1, "due": time.time(), "parent": {}, "producer": {}}
        return processing("mail", **{**usual, "instruments": instruments, "tracer": tracer, **changed})

    return begun


@pytest.fixture
def only(spans: InMemorySpanExporter) -> Callable[[], Any]:
    def found() -> ReadableSpan:
        (span,) = spans.get_finished_spans()
        return span

    return found


def test_it_is_a_child_of_the_request_and_linked_to_what_enqueued_it(attempt: Any, only: Any) -> None:
    with attempt(parent=carrier(REQUEST), producer=carrier(PRODUCER), attempt=3, queue="letters"):
        pass
    span = only()
    assert (span.name, span.kind) == ("process mail", SpanKind.CONSUMER)
    assert format(span.context.trace_id, "032x") == TRACE
    assert format(span.parent.span_id, "016x") == REQUEST
    assert [format(link.context.span_id, "016x") for link in span.links] == [PRODUCER]
    assert dict(span.attributes) == {
        "messaging.system": "arq",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "letters",
        "messaging.message.id": "7",
        "job.attempt": 3,
        "job.outcome": "done",
    }
    assert span.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("text", ["", "rubbish", f"00-{'0' * 32}-{PRODUCER}-01"])
def test_a_job_without_a_trace_begins_one(attempt: Any, only: Any, text: str) -> None:
    with attempt(parent={"traceparent": text}, producer={"traceparent": text}):
        pass
    assert only().parent is None
    assert list(only().links) == []


def test_the_context_is_a_fresh_one_and_only_inside(attempt: Any, tracer: Tracer) -> None:
    with tracer.start_as_current_span("poll") as poll, suppress_instrumentation():
        with attempt(parent=carrier(REQUEST)) as job:
            assert is_instrumentation_enabled()
            assert trace.get_current_span() is job.span
            assert format(job.span.get_span_context().trace_id, "032x") == TRACE
        assert not is_instrumentation_enabled()
        assert trace.get_current_span() is poll


def again(*, cause: BaseException | None = None, context: BaseException | None = None, hidden: bool = False) -> Retry:
    """As `raise Retry from cause`, or as `raise Retry` in an `except` block, with or without `from None`."""
    retry = Retry(defer=1)
    retry.__cause__ = cause
    retry.__context__ = context
    retry.__suppress_context__ = hidden
    return retry


@pytest.mark.parametrize(
    ("raised", "outcome", "error"),
    [
        (Retry(), "retry", None),
        (RetryJob(), "retry", None),
        (again(cause=ConnectionError("mail server away")), "retry", "ConnectionError"),
        (again(context=TimeoutError("mail server slow")), "retry", "TimeoutError"),
        (again(context=TimeoutError("mail server slow"), hidden=True), "retry", None),
        (asyncio.CancelledError(), "cancelled", None),
        (KeyError("x"), "failed", "KeyError"),
    ],
)
def test_outcomes(
    attempt: Any, only: Any, registry: CollectorRegistry, raised: BaseException, outcome: str, error: str | None
) -> None:
    with pytest.raises(type(raised)), attempt():
        raise raised
    span = only()
    assert span.attributes["job.outcome"] == outcome
    assert span.attributes.get("error.type") == error
    assert span.status.status_code is (StatusCode.ERROR if error else StatusCode.UNSET)
    assert [event.name for event in span.events] == ["exception"] * bool(error)
    labels = {"task": "mail", "outcome": outcome}
    assert registry.get_sample_value("arq_job_duration_seconds_count", labels) == 1


def test_whoever_knows_better_says_so(attempt: Any, only: Any, registry: CollectorRegistry) -> None:
    with suppress(asyncio.CancelledError), attempt() as job:
        job.outcome = "dead"
        raise asyncio.CancelledError
    assert only().attributes["job.outcome"] == "dead"
    labels = {"task": "mail", "outcome": "dead"}
    assert registry.get_sample_value("arq_job_duration_seconds_count", labels) == 1


def test_times(attempt: Any, registry: CollectorRegistry) -> None:
    with attempt(due=time.time() - 5):
        time.sleep(0.02)
    with attempt(due=time.time() + 5):
        pass  # clocks of two machines differ
    wait = registry.get_sample_value("arq_job_wait_seconds_sum", {"task": "mail"})
    assert wait is not None
    assert 5 <= wait < 6
    ran = registry.get_sample_value("arq_job_duration_seconds_sum", {"task": "mail", "outcome": "done"})
    assert ran is not None
    assert 0.02 <= ran < 1


def test_both_times_carry_the_trace(attempt: Any, registry: CollectorRegistry) -> None:
    with attempt(parent=carrier(REQUEST)):
        pass
    with attempt(parent={"traceparent": f"00-{'1' * 32}-{REQUEST}-00"}):
        pass  # not kept
    tied = [(s.name, s.exemplar.labels) for family in registry.collect() for s in family.samples if s.exemplar]
    assert tied == [
        ("arq_job_wait_seconds_bucket", {"trace_id": TRACE}),
        ("arq_job_duration_seconds_bucket", {"trace_id": TRACE}),
    ]


async def test_the_decorator_leaves_name_and_arguments_as_they_are(
    tracer: Tracer, instruments: Instruments, only: Any
) -> None:
    @traced(tracer=tracer, instruments=instruments)
    async def send(ctx: dict[Any, Any], to: str, *, copies: int = 1) -> str:
        """Send a mail."""
        return f"{to} {copies}"

    assert func(send).name == send.__qualname__
    assert send.__doc__ == "Send a mail."
    ctx = {"job_id": "7", "job_try": 2, "score": time.time() * 1000}
    keywords: dict[str, Any] = {"copies": 2, "_trace_context": carrier(PRODUCER)}
    assert await send(ctx, "a@example.org", **keywords) == "a@example.org 2"
    span = only()
    assert span.name == f"process {send.__qualname__}"
    assert span.attributes["job.attempt"] == 2
    assert format(span.parent.span_id, "016x") == PRODUCER
    assert [format(link.context.span_id, "016x") for link in span.links] == [PRODUCER]


async def test_waiting_begins_when_a_job_is_due(tracer: Tracer, registry: CollectorRegistry) -> None:
    @traced(name="late", tracer=tracer, instruments=Instruments.create(registry))
    async def late(ctx: dict[Any, Any]) -> None:
        """Do nothing."""

    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    await late({"job_id": "7", "job_try": 1, "enqueue_time": an_hour_ago, "score": (time.time() - 5) * 1000})
    wait = registry.get_sample_value("arq_job_wait_seconds_sum", {"task": "late"})
    assert wait is not None
    assert 5 <= wait < 60, "not from when it was enqueued, for a later time"


async def test_quiet_covers_what_is_started_in_it_and_ends() -> None:
    async def enabled() -> bool:
        return is_instrumentation_enabled()

    async def started_quietly() -> bool:
        await quiet_startup({})
        return await asyncio.create_task(enabled())

    with quiet():
        begun = asyncio.create_task(enabled())
    assert await enabled()
    assert not await begun
    assert not await asyncio.create_task(started_quietly())
    assert await enabled()


def test_the_producers_span(tracer: Tracer, spans: InMemorySpanExporter) -> None:
    with (
        pytest.raises(ConnectionError),
        enqueuing(
            "mail", queue="letters", job_id="7", parent=carrier(REQUEST), attributes={"late": True}, tracer=tracer
        ),
    ):
        raise ConnectionError("redis away")
    (span,) = spans.get_finished_spans()
    assert (span.name, span.kind, span.status.status_code) == ("enqueue mail", SpanKind.PRODUCER, StatusCode.ERROR)
    assert span.parent is not None
    assert format(span.parent.span_id, "016x") == REQUEST
    assert dict(span.attributes or {}) == {
        "messaging.system": "arq",
        "messaging.operation.name": "enqueue",
        "messaging.operation.type": "send",
        "messaging.destination.name": "letters",
        "messaging.message.id": "7",
        "late": True,
        "error.type": "ConnectionError",
    }
