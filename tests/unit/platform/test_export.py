import threading
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from stormglass.settings import Address, TelemetrySettings
from stormglass.telemetry.export import CountingBatchProcessor, CountingExporter, span_processor

DROPPED = "telemetry_spans_dropped_total"
DELIVERED = "telemetry_spans_exported_total"
ENDED = "telemetry_spans_ended_total"
WAITING = "telemetry_span_queue_length"


class Pipeline(SpanExporter):
    """A trace pipeline that can be told to fail, to raise, or to hang."""

    def __init__(self) -> None:
        self.mode = "works"
        self.release = threading.Event()
        self.entered = threading.Event()
        self.closed = False
        self.names: list[str] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.entered.set()
        if self.mode == "hangs":
            self.release.wait(20)
        if self.mode == "raises":
            raise RuntimeError("boom")
        if self.mode == "works":
            self.names += [span.name for span in spans]
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
        # an export that was left hanging ends now, and would be counted while the next test counts
        thread = processor(provider)._batch_processor._worker_thread
        if thread is not None:
            thread.join(20)


def finish(provider: TracerProvider, count: int) -> float:
    """End `count` spans; the longest of them in seconds."""
    tracer = provider.get_tracer("test")
    longest = 0.0
    for _ in range(count):
        begun = time.perf_counter()
        tracer.start_span("x").end()
        longest = max(longest, time.perf_counter() - begun)
    return longest


def processor(provider: TracerProvider) -> CountingBatchProcessor:
    """The one that `start` gave the provider."""
    (only,) = provider._active_span_processor._span_processors
    assert isinstance(only, CountingBatchProcessor)
    return only


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
    errors = growth("telemetry_export_errors_total")
    provider = start()
    pipeline.mode = mode
    finish(provider, 5)
    until(lambda: failed() == 5)
    assert 1 <= errors() <= 5, "one for each batch"
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


def test_the_queue_that_is_counted_is_the_one_that_the_sdk_fills(
    start: Callable[..., TracerProvider], pipeline: Pipeline
) -> None:
    provider = start(export_interval_ms=60_000)
    finish(provider, 7)
    assert REGISTRY.get_sample_value(WAITING) == 7, "the SDK keeps ended spans somewhere else now"
    assert isinstance(processor(provider)._queue.waiting, deque)


def test_what_is_under_way_counts_as_waiting(start: Callable[..., TracerProvider], pipeline: Pipeline) -> None:
    provider = start()
    pipeline.mode = "hangs"
    finish(provider, 3)
    assert pipeline.entered.wait(10)
    finish(provider, 4)
    until(lambda: REGISTRY.get_sample_value(WAITING) == 7)
    pipeline.mode = "works"
    pipeline.release.set()
    until(lambda: REGISTRY.get_sample_value(WAITING) == 0)


def test_what_a_full_queue_keeps_is_how_the_outage_began(
    start: Callable[..., TracerProvider], pipeline: Pipeline
) -> None:
    provider = start(queue_spans=3)
    pipeline.mode = "hangs"
    tracer = provider.get_tracer("test")
    tracer.start_span("first").end()
    assert pipeline.entered.wait(10)
    for number in range(6):
        tracer.start_span(str(number)).end()
    pipeline.mode = "works"
    pipeline.release.set()
    until(lambda: pipeline.names == ["first", "0", "1", "2"])


def test_threads_that_fill_the_queue_while_it_empties_do_not_lose_count(
    start: Callable[..., TracerProvider], growth: Any, hasty_threads: None
) -> None:
    full, delivered, ended = growth(DROPPED, reason="queue_full"), growth(DELIVERED), growth(ENDED)
    provider = start(queue_spans=8, export_interval_ms=10)
    threads = [threading.Thread(target=finish, args=(provider, 1500)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ended() == 12_000
    until(lambda: delivered() + full() == 12_000)
    assert full() > 0, "the queue was never full: nothing was tried"


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


@pytest.fixture
def collector() -> Iterator[Callable[[int, dict[str, str]], str]]:
    """A real HTTP server that answers every export with one status; its address."""
    servers: list[ThreadingHTTPServer] = []

    def start(status: int, fields: dict[str, str]) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                for name, value in {**fields, "Content-Length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """No line for each."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "fields", "counted"),
    [
        (200, {}, DELIVERED),
        (500, {}, "failed"),
        # a pipeline that asks for a minute's patience is not given it: the spans of that minute would be lost as well
        (503, {"Retry-After": "60"}, "failed"),
        (429, {}, "failed"),
    ],
)
def test_a_pipeline_that_refuses_costs_the_batch_and_no_more_time_than_an_attempt_has(
    collector: Callable[[int, dict[str, str]], str], growth: Any, status: int, fields: dict[str, str], counted: str
) -> None:
    delivered, failed = growth(DELIVERED), growth(DROPPED, reason="export_failed")
    wanted = TelemetrySettings(export_interval_ms=20, export_timeout_ms=1500)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(span_processor(Address.parse(collector(status, fields)), wanted))
    begun = time.monotonic()
    finish(provider, 5)
    until(lambda: delivered() + failed() == 5)
    assert time.monotonic() - begun < 10
    assert (delivered() if counted == DELIVERED else failed()) == 5
    provider.shutdown()


def test_memory_does_not_grow_with_what_is_dropped(start: Callable[..., TracerProvider], pipeline: Pipeline) -> None:
    provider = start(queue_spans=TelemetrySettings().queue_spans, export_timeout_ms=10)
    pipeline.mode = "hangs"
    finish(provider, 1)
    assert pipeline.entered.wait(10)
    tracemalloc.start()
    try:
        finish(provider, 5_000)
        full = tracemalloc.get_traced_memory()[0]
        finish(provider, 10_000)
        assert tracemalloc.get_traced_memory()[0] - full < 2**20
        assert full < 32 * 2**20
    finally:
        tracemalloc.stop()
