import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from structlog.testing import capture_logs

from stormglass.settings import TelemetrySettings
from stormglass.telemetry.export import CountingBatchProcessor, CountingExporter

DROPPED = "telemetry_spans_dropped_total"
DELIVERED = "telemetry_spans_exported_total"


class Pipeline(SpanExporter):
    """A trace pipeline that can be told to fail, to raise, or to hang."""

    def __init__(self) -> None:
        self.mode = "works"
        self.release = threading.Event()
        self.entered = threading.Event()
        self.closed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.entered.set()
        if self.mode == "hangs":
            self.release.wait(20)
        if self.mode == "raises":
            raise RuntimeError("boom")
        return SpanExportResult.SUCCESS if self.mode == "works" else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self.closed = True


@pytest.fixture
def pipeline() -> Iterator[Pipeline]:
    made = Pipeline()
    yield made
    made.release.set()


@pytest.fixture
def start(pipeline: Pipeline) -> Iterator[Callable[..., TracerProvider]]:
    providers: list[TracerProvider] = []

    def made(**changed: Any) -> TracerProvider:
        wanted = TelemetrySettings(**{"queue_spans": 10, "export_interval_ms": 20, "export_timeout_ms": 300, **changed})
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(CountingBatchProcessor(CountingExporter(pipeline), wanted))
        providers.append(provider)
        return provider

    yield made
    pipeline.release.set()
    for provider in providers:
        provider.shutdown()


def finish(provider: TracerProvider, count: int) -> float:
    """End `count` spans; the longest of them in seconds."""
    tracer = provider.get_tracer("test")
    longest = 0.0
    for _ in range(count):
        begun = time.perf_counter()
        tracer.start_span("x").end()
        longest = max(longest, time.perf_counter() - begun)
    return longest


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "not within 20 s"
        time.sleep(0.01)


def test_what_is_delivered_is_counted(start: Callable[..., TracerProvider], growth: Any) -> None:
    delivered = growth(DELIVERED)
    finish(start(), 5)
    until(lambda: delivered() == 5)


@pytest.mark.parametrize("mode", ["fails", "raises"])
def test_what_cannot_be_delivered_is_counted_and_recovery_needs_no_restart(
    start: Callable[..., TracerProvider], pipeline: Pipeline, growth: Any, mode: str
) -> None:
    failed, delivered = growth(DROPPED, reason="export_failed"), growth(DELIVERED)
    provider = start()
    pipeline.mode = mode
    finish(provider, 5)
    until(lambda: failed() == 5)
    pipeline.mode = "works"
    finish(provider, 3)
    until(lambda: delivered() == 3)
    assert failed() == 5


def test_an_outage_is_two_lines_of_log_however_many_batches_it_takes(pipeline: Pipeline) -> None:
    exporter = CountingExporter(pipeline)
    with capture_logs() as logs:
        for mode in ("works", "raises", "fails", "fails", "works", "works", "fails"):
            pipeline.mode = mode
            exporter.export([])
    assert [line["log_level"] for line in logs] == ["warning", "info", "warning"]


def test_a_pipeline_that_hangs_blocks_nobody_and_a_full_queue_drops_and_counts(
    start: Callable[..., TracerProvider], pipeline: Pipeline, growth: Any
) -> None:
    full, delivered = growth(DROPPED, reason="queue_full"), growth(DELIVERED)
    provider = start(queue_spans=100)
    pipeline.mode = "hangs"
    finish(provider, 1)
    assert pipeline.entered.wait(10)
    assert finish(provider, 2000) < 0.25, "the pipeline hangs for 20 s"
    assert full() == 1900
    pipeline.mode = "works"
    pipeline.release.set()
    until(lambda: delivered() == 101)


def test_shutdown_delivers_what_waits(start: Callable[..., TracerProvider], pipeline: Pipeline, growth: Any) -> None:
    delivered = growth(DELIVERED)
    provider = start(export_interval_ms=60_000)
    finish(provider, 7)
    provider.shutdown()
    assert delivered() == 7
    assert pipeline.closed


def test_shutdown_takes_one_export_time_out_at_most_and_counts_what_is_left(
    start: Callable[..., TracerProvider], pipeline: Pipeline, growth: Any
) -> None:
    late = growth(DROPPED, reason="shutdown")
    provider = start()
    pipeline.mode = "hangs"
    finish(provider, 1)
    assert pipeline.entered.wait(10)
    finish(provider, 6)
    begun = time.perf_counter()
    provider.shutdown()
    assert time.perf_counter() - begun < 2
    assert late() == 6
    finish(provider, 2)
    assert late() == 8, "a span that ends after the shutdown is lost and counted too"
