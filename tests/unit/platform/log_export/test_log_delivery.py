"""What becomes of log records, whatever becomes of the collector."""

import io
import json
import logging
import threading
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from prometheus_client import REGISTRY

from stormglass.settings import TelemetrySettings
from stormglass.telemetry.log_export import LONGEST, CountingLogExporter, LogExport
from stormglass.telemetry.logs import logger
from tests.unit.platform.log_export.stand_in import Collector, attributes, until, write

EMITTED = "telemetry_log_records_emitted_total"
DROPPED = "telemetry_log_records_dropped_total"
DELIVERED = "telemetry_log_records_exported_total"
WAITING = "telemetry_log_queue_length"


@pytest.mark.parametrize("mode", ["fails", "raises"])
def test_what_cannot_be_delivered_is_counted_and_recovery_needs_no_restart(
    start: Callable[..., LogExport], collector: Collector, growth: Any, mode: str
) -> None:
    failed, delivered = growth(DROPPED, reason="export_failed"), growth(DELIVERED)
    errors, emitted = growth("telemetry_log_export_errors_total"), growth(EMITTED)
    start()
    collector.mode = mode
    write(5)
    until(lambda: failed() == 5)
    assert 1 <= errors() <= 5, "one for each batch"
    collector.mode = "works"
    write(3)
    until(lambda: delivered() == 3)
    assert (failed(), emitted()) == (5, 8)


def test_an_outage_is_two_lines_and_neither_is_exported(
    start: Callable[..., LogExport], collector: Collector, output: io.StringIO, growth: Any
) -> None:
    failed, delivered = growth(DROPPED, reason="export_failed"), growth(DELIVERED)
    export = start()
    for mode in ("raises", "fails", "fails"):
        before = failed()
        collector.mode = mode
        write(1)
        until(lambda before=before: failed() == before + 1)  # type: ignore[misc]  # a lambda bound to its round
    collector.mode = "works"
    write(1)
    until(lambda: delivered() == 1)
    export.shutdown()
    lines = [json.loads(line) for line in output.getvalue().splitlines()]
    ours = [line for line in lines if line["logger"] != "probe.load"]
    assert [(line["level"], line["event"].partition(" ")[0]) for line in ours] == [("warning", "log"), ("info", "log")]
    assert "RuntimeError: boom" in ours[0]["reason"]
    assert collector.events == ["line"]


def test_what_is_said_during_an_export_is_not_exported_and_what_others_say_meanwhile_is(
    configure: Callable[[LogExport | None], None], output: io.StringIO
) -> None:
    class Talkative(Collector):
        def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
            logging.getLogger("urllib3.connectionpool").warning("Connection pool is full")
            return super().export(batch)

    talkative = Talkative()
    export = LogExport(
        CountingLogExporter(talkative), TelemetrySettings(export_interval_ms=20), Resource({"service.name": "probe"})
    )
    configure(export)
    talkative.mode = "hangs"
    write(1)
    assert talkative.entered.wait(10)
    logger("probe").info("meanwhile")
    talkative.mode = "works"
    talkative.release.set()
    until(lambda: talkative.events == ["line", "meanwhile"])
    time.sleep(0.1)
    export.shutdown()
    assert talkative.events == ["line", "meanwhile"]
    assert "Connection pool is full" in output.getvalue()


def test_a_collector_that_hangs_blocks_nobody_and_a_full_queue_drops_and_counts(
    start: Callable[..., LogExport], collector: Collector, output: io.StringIO, growth: Any
) -> None:
    full, delivered = growth(DROPPED, reason="queue_full"), growth(DELIVERED)
    start(queue_lines=100)
    collector.mode = "hangs"
    write(1)
    assert collector.entered.wait(10)
    assert write(2000) < 0.25, "the collector hangs for 20 s"
    assert full() == 1900
    assert len(output.getvalue().splitlines()) == 2001, "standard output has every line"
    assert REGISTRY.get_sample_value(WAITING) == 101
    collector.mode = "works"
    collector.release.set()
    until(lambda: delivered() == 101)
    numbers = [attributes(record)["number"] for record in collector.records]
    assert numbers == [0, *range(100)], "how the outage began"


def test_threads_that_fill_the_queue_while_it_empties_do_not_lose_count(
    start: Callable[..., LogExport], growth: Any, hasty_threads: None
) -> None:
    full, delivered, emitted = growth(DROPPED, reason="queue_full"), growth(DELIVERED), growth(EMITTED)
    start(queue_lines=8, export_interval_ms=10)
    threads = [threading.Thread(target=write, args=(500,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert emitted() == 4000
    until(lambda: delivered() + full() == 4000)
    assert full() > 0, "the queue was never full: nothing was tried"


def test_a_line_in_the_middle_of_another_one_does_not_lock_the_thread_out(
    start: Callable[..., LogExport], collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = start()
    batches = export._queue._batches
    emit = batches.emit
    record = ReadableLogRecord(LogRecord(body="line"), Resource({}))

    def finalizes(record: ReadableLogRecord) -> None:
        """A garbage collection finds a failed task that nobody asked, at the worst moment."""
        monkeypatch.setattr(batches, "emit", emit)
        assert export._queue._lock.acquire(blocking=False), "a line that is logged now waits for its own thread"
        export._queue._lock.release()
        logging.getLogger("asyncio").error("Task exception was never retrieved")
        emit(record)

    monkeypatch.setattr(batches, "emit", finalizes)
    export._queue.put(record)
    until(lambda: collector.events == ["Task exception was never retrieved", "line"])


def test_shutdown_delivers_what_waits(start: Callable[..., LogExport], collector: Collector, growth: Any) -> None:
    delivered = growth(DELIVERED)
    export = start(export_interval_ms=60_000)
    write(7)
    export.shutdown()
    assert delivered() == 7
    assert collector.closed


def test_shutdown_takes_one_export_time_out_at_most_and_counts_what_is_left(
    start: Callable[..., LogExport], collector: Collector, growth: Any, output: io.StringIO
) -> None:
    late = growth(DROPPED, reason="shutdown")
    export = start()
    collector.mode = "hangs"
    write(1)
    assert collector.entered.wait(10)
    write(6)
    begun = time.perf_counter()
    export.shutdown()
    assert time.perf_counter() - begun < 2
    assert late() == 6
    write(2)
    assert late() == 8, "a line after the shutdown is lost to the collector and counted too"
    assert len(output.getvalue().splitlines()) == 9


def test_memory_does_not_grow_with_what_is_dropped_and_is_bounded_by_the_longest_values(
    start: Callable[..., LogExport], collector: Collector, output: io.StringIO, environment: pytest.MonkeyPatch
) -> None:
    environment.setattr(output, "write", len)
    start(queue_lines=TelemetrySettings().queue_lines, export_timeout_ms=10)
    collector.mode = "hangs"
    write(1)
    assert collector.entered.wait(10)
    log = logger("probe.load")
    tracemalloc.start()
    try:
        for number in range(2500):
            log.error("failed", exception=f"{number} " + "x" * 2 * LONGEST)
        full = tracemalloc.get_traced_memory()[0]
        for number in range(2500):
            log.error("failed", exception=f"{number} " + "x" * 2 * LONGEST)
        assert tracemalloc.get_traced_memory()[0] - full < 2**20
        assert 2**24 < full < 24 * 2**20, "2048 lines with 8 KiB each"
    finally:
        tracemalloc.stop()
