"""A collector in the test's own process, and lines for it."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult

from stormglass.telemetry.logs import logger


class Collector(LogRecordExporter):
    """A collector that can be told to fail, to raise, or to hang; it keeps what it gets as OTLP has it."""

    def __init__(self) -> None:
        self.mode = "works"
        self.release = threading.Event()
        self.entered = threading.Event()
        self.closed = False
        self.records: list[Any] = []
        self.scopes: list[str] = []
        self.resources: list[dict[str, Any]] = []

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        self.entered.set()
        if self.mode == "hangs":
            self.release.wait(20)
        if self.mode == "raises":
            raise RuntimeError("boom")
        if self.mode == "works":
            for resource in encode_logs(batch).resource_logs:
                self.resources.append({each.key: plain(each.value) for each in resource.resource.attributes})
                for scope in resource.scope_logs:
                    self.records += scope.log_records
                    self.scopes += [scope.scope.name] * len(scope.log_records)
        return LogRecordExportResult.SUCCESS if self.mode == "works" else LogRecordExportResult.FAILURE

    def shutdown(self) -> None:
        self.closed = True

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True

    @property
    def events(self) -> list[str]:
        return [record.body.string_value for record in self.records]


def plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return None if kind is None else getattr(value, kind)


def attributes(record: Any) -> dict[str, Any]:
    return {each.key: plain(each.value) for each in record.attributes}


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "not within 20 s"
        time.sleep(0.01)


def write(count: int) -> float:
    """Log `count` lines; the longest of them in seconds."""
    log = logger("probe.load")
    longest = 0.0
    for number in range(count):
        begun = time.perf_counter()
        log.info("line", number=number)
        longest = max(longest, time.perf_counter() - begun)
    return longest
