import io
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.resources import Resource

from stormglass import settings
from stormglass.settings import TelemetrySettings
from stormglass.telemetry import delivery
from stormglass.telemetry.log_export import CountingLogExporter, LogExport
from stormglass.telemetry.logs import configure_logs, logger
from tests.unit.platform.log_export.stand_in import Collector


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.release.set()


@pytest.fixture
def output() -> io.StringIO:
    """Standard output."""
    return io.StringIO()


@pytest.fixture
def configure(environment: pytest.MonkeyPatch, output: io.StringIO) -> Iterator[Callable[[LogExport | None], None]]:
    """Configure the logs of this process; the test run's own logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    # loggers remember their configuration from their first line on: this one is to forget it with the test
    environment.setattr(delivery, "_log", logger(delivery.__name__))

    def made(export: LogExport | None) -> None:
        environment.setattr(sys, "stdout", output)
        configure_logs(settings.process(), export)

    yield made
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def start(configure: Callable[[LogExport | None], None], collector: Collector) -> Iterator[Callable[..., LogExport]]:
    """Have the lines of this process exported from now on."""
    exports: list[LogExport] = []

    def made(**changed: Any) -> LogExport:
        wanted = TelemetrySettings(**{"queue_lines": 10, "export_interval_ms": 20, "export_timeout_ms": 300, **changed})
        export = LogExport(CountingLogExporter(collector), wanted, Resource({"service.name": "probe"}))
        configure(export)
        exports.append(export)
        return export

    yield made
    collector.release.set()
    for export in exports:
        export.shutdown()
        export._queue._batches._worker_thread.join(20)
