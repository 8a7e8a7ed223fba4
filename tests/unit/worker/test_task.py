"""What the task decorator makes of a handler's outcome; the tools are stand-ins that record."""

import asyncio
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from arq.worker import Function, Retry
from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_instrumentation_enabled, suppress_instrumentation
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

from worker.settings import WorkerSettings
from worker.task import Event, Hopeless, Tools, task

REQUEST = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
EVENT = uuid.uuid4()


class Recorder:
    def __init__(self, **settings: Any) -> None:
        self.finished: list[uuid.UUID] = []
        self.buried: list[dict[str, Any]] = []
        self.broken = False
        self.settings = WorkerSettings(**{"max_attempts": 3, "job_seconds": 0.2, "backoff_seconds": 0.5, **settings})
        self.outbox = SimpleNamespace(finish=self._finish)
        self.dead_letters = SimpleNamespace(bury=self._bury)

    async def _finish(self, event_id: uuid.UUID) -> None:
        self.finished.append(event_id)

    async def _bury(self, event_id: uuid.UUID, **letter: Any) -> None:
        if self.broken:
            raise ConnectionError("database away")
        self.buried.append({"event_id": event_id, **letter})


async def _run(function: Function, tools: Recorder, attempt: int = 1, enqueued_by: str = "") -> None:
    ctx = {"tools": tools, "job_try": attempt, "enqueue_time": datetime.now(UTC)}
    await function.coroutine(ctx, str(EVENT), {"n": 1}, REQUEST, enqueued_by)


@task
async def works(tools: Tools, event: Event) -> None:
    assert event == Event(EVENT, {"n": 1})


@task
async def fails(tools: Tools, event: Event) -> None:
    raise KeyError("a mistake of ours")


@task
async def hangs(tools: Tools, event: Event) -> None:
    await asyncio.sleep(60)


@task
async def hopeless(tools: Tools, event: Event) -> None:
    raise Hopeless("never")


async def test_done() -> None:
    tools = Recorder()
    await _run(works, tools)
    assert (tools.finished, tools.buried) == ([EVENT], [])
    assert works.name == "works"


@pytest.mark.parametrize("function", [fails, hangs])
async def test_tried_again_within_the_bound(function: Function) -> None:
    tools = Recorder()
    with pytest.raises(Retry) as again:
        await _run(function, tools, attempt=2)
    assert again.value.defer_score is not None
    assert 0 <= again.value.defer_score <= 1000  # milliseconds
    assert (tools.finished, tools.buried) == ([], [])


def _count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


@pytest.mark.parametrize(("function", "reason"), [(fails, "failed"), (hangs, "timeout")])
async def test_an_attempt_that_is_repeated_is_counted_with_its_reason(function: Function, reason: str) -> None:
    before = _count("job_retries_total", task=function.name, reason=reason)
    late = _count("deadline_exceeded_total", where="job")
    with pytest.raises(Retry):
        await _run(function, Recorder())
    assert _count("job_retries_total", task=function.name, reason=reason) == before + 1
    assert _count("deadline_exceeded_total", where="job") == late + (reason == "timeout")


async def test_an_attempt_that_a_drain_interrupts_is_counted() -> None:
    before = _count("job_retries_total", task="hangs", reason="interrupted")
    running = asyncio.create_task(_run(hangs, Recorder(job_seconds=30)))
    await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert _count("job_retries_total", task="hangs", reason="interrupted") == before + 1


async def test_a_dead_letter_is_no_retry() -> None:
    before = _count("job_retries_total", task="fails", reason="failed")
    await _run(fails, Recorder(), attempt=3)
    assert _count("job_retries_total", task="fails", reason="failed") == before


@pytest.mark.parametrize(("function", "attempt"), [(fails, 3), (hangs, 3), (hopeless, 1), (works, 4)])
async def test_dead_letter_then_done(function: Function, attempt: int) -> None:
    tools = Recorder()
    await _run(function, tools, attempt)
    (letter,) = tools.buried
    assert (letter["event_id"], letter["task"], letter["attempts"]) == (EVENT, function.name, attempt)
    assert letter["traceparent"] == REQUEST
    assert letter["error"]
    assert tools.finished == [EVENT]


async def test_what_cannot_be_buried_stays_in_the_queue() -> None:
    tools = Recorder()
    tools.broken = True
    with pytest.raises(Retry):
        await _run(fails, tools, attempt=3)
    assert tools.finished == []


async def test_the_span_belongs_to_the_request_and_is_not_suppressed() -> None:
    seen: list[Any] = []

    @task
    async def looks(tools: Tools, event: Event) -> None:
        seen.append((is_instrumentation_enabled(), trace.get_current_span().get_span_context().trace_id))

    with suppress_instrumentation():
        await _run(looks, Recorder())
        assert not is_instrumentation_enabled()
    assert seen == [(True, 0x0AF7651916CD43DD8448EB211C80319C)]


@pytest.mark.parametrize(("function", "outcome", "error"), [(works, "done", None), (fails, "retry", "KeyError")])
async def test_the_span_is_linked_to_what_enqueued_the_job(
    monkeypatch: pytest.MonkeyPatch, function: Function, outcome: str, error: str | None
) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr("worker.task._tracer", provider.get_tracer("test"))
    with suppress(Retry):
        await _run(function, Recorder(), enqueued_by=REQUEST.replace("b7ad6b7169203331", "00f067aa0ba902b7"))
    (span,) = spans.get_finished_spans()
    assert [format(link.context.span_id, "016x") for link in span.links] == ["00f067aa0ba902b7"]
    attributes = span.attributes or {}
    assert attributes["messaging.message.id"] == str(EVENT)
    assert (attributes["job.outcome"], attributes.get("error.type")) == (outcome, error)
