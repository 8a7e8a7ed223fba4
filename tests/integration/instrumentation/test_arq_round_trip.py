"""Jobs through a real queue and a real worker: one trace each, whatever becomes of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from arq import cron
from arq.connections import ArqRedis, RedisSettings
from arq.constants import default_queue_name
from arq.worker import Function, Retry, Worker, func
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from prometheus_client import CollectorRegistry

from stormglass.instrumentation.arq import Instruments, enqueue, quiet, run_worker_quietly, traced

Run = Callable[..., AbstractAsyncContextManager[Worker]]
IDLE_SECONDS = 3.0


@pytest.fixture
def run(pool: ArqRedis, tracer: Tracer, instruments: Instruments) -> Run:
    """`async with run(task, …)`: a worker for them, each traced."""

    @asynccontextmanager
    async def running(*tasks: Any, **options: Any) -> AsyncIterator[Worker]:
        functions: Sequence[Function] = [
            func(traced(name=name, tracer=tracer, instruments=instruments)(task), name=name)
            for name, task in ((task.__name__, task) for task in tasks)
        ]
        worker = Worker(functions, **{"redis_pool": pool, "handle_signals": False, "poll_delay": 0.02, **options})
        with quiet():
            working = asyncio.create_task(worker.async_run())
        try:
            yield worker
        finally:
            working.cancel()
            await asyncio.gather(working, *worker.tasks.values(), return_exceptions=True)

    return running


@pytest.fixture
def made(spans: InMemorySpanExporter) -> Any:
    """`await made("name", count)`: the spans of that name, as soon as there are so many, in the order of their end."""

    async def found(name: str, count: int = 1) -> list[Any]:
        named: list[Any] = []
        async with asyncio.timeout(30):
            while True:
                named = [span for span in spans.get_finished_spans() if span.name == name]
                if len(named) >= count:
                    break
                await asyncio.sleep(0.01)
        assert len(named) == count
        return named

    return found


def ids(span: Any) -> tuple[int, int]:
    context = span.get_span_context()
    return context.trace_id, context.span_id


async def greet(ctx: dict[Any, Any], name: str, *, loudly: bool) -> str:
    await ctx["redis"].set("greeted", name)
    return f"hello {name}{'!' * loudly}"


async def test_one_trace_from_the_request_to_what_the_job_does(
    pool: ArqRedis, run: Run, tracer: Tracer, made: Any, spans: InMemorySpanExporter
) -> None:
    async with run(greet):
        with tracer.start_as_current_span("request") as request:
            job = await enqueue(pool, "greet", "Ada", loudly=True)
        assert job is not None
        assert await job.result(timeout=30, poll_delay=0.02) == "hello Ada!"
        (done,) = await made("process greet")
    (sent,) = await made("enqueue greet")
    assert ids(sent)[0] == ids(done)[0] == ids(request)[0]
    assert sent.parent.span_id == ids(request)[1]
    assert done.parent.span_id == ids(sent)[1]
    assert [ids_of.context.span_id for ids_of in done.links] == [ids(sent)[1]]
    assert (sent.kind, done.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert sent.attributes["messaging.message.id"] == done.attributes["messaging.message.id"] == job.job_id
    assert sent.attributes["messaging.destination.name"] == default_queue_name
    assert sent.attributes["queue.accepted"] is True
    assert (done.attributes["job.attempt"], done.attributes["job.outcome"]) == (1, "done")
    (inside,) = [span for span in spans.get_finished_spans() if span.name == "SET" and span.parent]
    assert inside.parent is not None
    assert (inside.parent.trace_id, inside.parent.span_id) == ids(done), "what a job asks of Redis is its own"


async def test_every_attempt_is_a_span_of_the_same_trace(
    pool: ArqRedis, run: Run, made: Any, registry: CollectorRegistry
) -> None:
    async def flaky(ctx: dict[Any, Any]) -> None:
        if ctx["job_try"] == 1:
            raise Retry(defer=0.05)
        if ctx["job_try"] == 2:
            raise Retry(defer=0.05) from ConnectionError("mail server away")

    async with run(flaky):
        await enqueue(pool, "flaky")
        attempts = await made("process flaky", 3)
    (sent,) = await made("enqueue flaky")
    assert {ids(attempt)[0] for attempt in attempts} == {ids(sent)[0]}
    assert [attempt.parent.span_id for attempt in attempts] == [ids(sent)[1]] * 3
    assert [attempt.attributes["job.attempt"] for attempt in attempts] == [1, 2, 3]
    assert [attempt.attributes["job.outcome"] for attempt in attempts] == ["retry", "retry", "done"]
    assert [attempt.attributes.get("error.type") for attempt in attempts] == [None, "ConnectionError", None]

    def count(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"task": "flaky", **labels})

    assert count("arq_job_wait_seconds_count") == 3
    assert count("arq_job_duration_seconds_count", outcome="retry") == 2
    assert count("arq_job_duration_seconds_count", outcome="done") == 1


async def test_a_failed_job_is_an_error_and_still_fails(
    pool: ArqRedis, run: Run, made: Any, registry: CollectorRegistry
) -> None:
    async def breaks(ctx: dict[Any, Any]) -> None:
        raise KeyError("customer")

    async with run(breaks):
        job = await enqueue(pool, "breaks")
        assert job is not None
        with pytest.raises(KeyError, match="customer"):
            await job.result(timeout=30, poll_delay=0.02)
    (span,) = await made("process breaks")
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes["error.type"], span.attributes["job.outcome"]) == ("KeyError", "failed")
    assert [event.name for event in span.events] == ["exception"]
    labels = {"task": "breaks", "outcome": "failed"}
    assert registry.get_sample_value("arq_job_duration_seconds_count", labels) == 1
    tied = [s.exemplar.labels for family in registry.collect() for s in family.samples if s.exemplar]
    assert tied == [{"trace_id": format(ids(span)[0], "032x")}] * 2


async def test_a_time_limit_cancels(pool: ArqRedis, run: Run, made: Any) -> None:
    async def hangs(ctx: dict[Any, Any]) -> None:
        await asyncio.sleep(60)

    async with run(hangs, job_timeout=0.1):
        await enqueue(pool, "hangs")
        (span,) = await made("process hangs")
    assert span.attributes["job.outcome"] == "cancelled"


async def test_concurrent_jobs_do_not_mix(
    pool: ArqRedis, run: Run, tracer: Tracer, made: Any, spans: InMemorySpanExporter
) -> None:
    everybody = asyncio.Event()
    working: set[int] = set()

    async def crowd(ctx: dict[Any, Any], number: int) -> None:
        working.add(number)
        if len(working) == 10:
            everybody.set()
        await everybody.wait()
        with tracer.start_as_current_span(f"part {number}"):
            await asyncio.sleep(0.01)

    requests: dict[int, int] = {}
    async with run(crowd, max_jobs=10):
        for number in range(10):
            with tracer.start_as_current_span("request") as request:
                requests[number] = ids(request)[0]
                await enqueue(pool, "crowd", number)
        jobs = {ids(span)[0]: ids(span)[1] for span in await made("process crowd", 10)}
    assert len(set(requests.values())) == 10
    for number, trace_id in requests.items():
        (part,) = await made(f"part {number}")
        assert (part.parent.trace_id, part.parent.span_id) == (trace_id, jobs[trace_id])


async def test_what_an_older_producer_enqueued_begins_a_trace(pool: ArqRedis, run: Run, made: Any) -> None:
    async with run(greet):
        await pool.enqueue_job("greet", "Ada", loudly=False)
        (span,) = await made("process greet")
    assert span.parent is None
    assert list(span.links) == []


async def test_a_second_job_of_the_same_id_is_not_accepted(pool: ArqRedis, tracer: Tracer, made: Any) -> None:
    assert await enqueue(pool, "greet", "Ada", _job_id="same")
    assert await enqueue(pool, "greet", "Ada", _job_id="same") is None
    first, second = await made("enqueue greet", 2)
    assert (first.attributes["queue.accepted"], second.attributes["queue.accepted"]) == (True, False)


async def test_another_queue_is_named(pool: ArqRedis, run: Run, made: Any) -> None:
    pool.default_queue_name = "letters"
    async with run(greet, queue_name="letters"):
        await enqueue(pool, "greet", "Ada", loudly=False)
        (done,) = await made("process greet")
    (sent,) = await made("enqueue greet")
    assert sent.attributes["messaging.destination.name"] == "letters"
    assert done.attributes["messaging.destination.name"] == "letters"


async def test_a_cron_job_begins_a_trace(
    pool: ArqRedis, tracer: Tracer, instruments: Instruments, run: Run, made: Any
) -> None:
    @traced(name="tidy", tracer=tracer, instruments=instruments)
    async def tidy(ctx: dict[Any, Any]) -> None:
        assert trace.get_current_span().is_recording()

    async with run(greet, cron_jobs=[cron(tidy, run_at_startup=True, hour=0)]):
        (span,) = await made("process tidy")
    assert span.parent is None
    assert span.attributes["job.outcome"] == "done"


async def test_an_idle_worker_makes_no_span(pool: ArqRedis, run: Run, made: Any, spans: InMemorySpanExporter) -> None:
    async with run(greet, health_check_interval=1):
        await enqueue(pool, "greet", "Ada", loudly=False)
        await made("process greet")
        before: Sequence[ReadableSpan] = spans.get_finished_spans()
        await asyncio.sleep(IDLE_SECONDS)
        assert spans.get_finished_spans() == before
    # whoever does not keep it quiet gets a trace for each look into the queue: this is what would have been seen
    worker = Worker([greet], redis_pool=pool, handle_signals=False, poll_delay=0.02)
    loud = asyncio.create_task(worker.async_run())
    try:
        async with asyncio.timeout(30):
            while not any(span.name == "ZRANGEBYSCORE" and span.parent is None for span in spans.get_finished_spans()):  # noqa: ASYNC110 - an exporter has no event to wait for
                await asyncio.sleep(0.01)
    finally:
        loud.cancel()
        await asyncio.gather(loud, return_exceptions=True)


async def test_a_quiet_run_takes_what_arq_takes(
    pool: ArqRedis, valkey: RedisSettings, tracer: Tracer, instruments: Instruments, spans: InMemorySpanExporter
) -> None:
    await enqueue(pool, "greet", "Ada", loudly=False)
    settings = {
        "functions": [traced(tracer=tracer, instruments=instruments)(greet)],
        "redis_settings": valkey,
        "burst": True,
    }
    # a loop of its own, as in a process of its own
    worker = await asyncio.to_thread(run_worker_quietly, settings, handle_signals=False)
    assert worker.jobs_complete == 1
    roots = [span.name for span in spans.get_finished_spans() if span.parent is None]
    assert roots == ["enqueue greet"]
    assert [span.name for span in spans.get_finished_spans()][-2:] == ["SET", "process greet"]
