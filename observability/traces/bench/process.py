"""A trace store in a process of its own, watched from outside."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from prometheus_client.parser import text_string_to_metric_families

from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.ports import free_port

_START_SECONDS = 30


@dataclass(frozen=True)
class StoreProcess:
    """A running store: where it listens, its process, its file."""

    port: int
    admin_port: int
    process: psutil.Process
    database: Path

    @property
    def url(self) -> str:
        """Root URL of its traffic port."""
        return f"http://127.0.0.1:{self.port}"

    def processor_seconds(self) -> float:
        """Processor time used so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory_bytes(self) -> int:
        """Resident memory now."""
        return int(self.process.memory_info().rss)

    def metrics(self) -> dict[str, float]:
        """Samples on `/metrics` by name; those with labels are summed."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
        return found

    def series(self) -> int:
        """Samples one scrape returns."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/metrics", timeout=10) as answer:
            return sum(not line.startswith(b"#") for line in answer)


@contextlib.contextmanager
def store(*, max_bytes: int, generate_metrics: bool) -> Iterator[StoreProcess]:
    """Start a store on free ports with an empty file; it and the file are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="stormglass-bench-") as directory:
        port, admin_port = free_port(), free_port()
        database, log = Path(directory, "traces.db"), Path(directory, "store.log")
        environment = {
            **os.environ,
            "STORMGLASS_SERVICE": "traces",
            "STORMGLASS_PORT": str(port),
            "STORMGLASS_ADMIN_PORT": str(admin_port),
            "STORMGLASS_TRACES_DATABASE": str(database),
            "STORMGLASS_TRACES_MAX_BYTES": str(max_bytes),
            "STORMGLASS_TRACES_GENERATE_METRICS": str(generate_metrics).lower(),
        }
        command = [sys.executable, "-m", "stormglass.service", "observability.traces.app:create_app"]
        with log.open("wb") as output:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)  # noqa: S603 - our own
        try:
            _until_ready(process, admin_port, log)
            yield StoreProcess(port, admin_port, psutil.Process(process.pid), database)
        finally:
            process.terminate()
            process.wait(_START_SECONDS)


def _until_ready(process: subprocess.Popen[bytes], admin_port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{admin_port}/readyz", timeout=2).close()
            return
        time.sleep(0.1)
    said = log.read_text(errors="replace")[-500:]
    raise RuntimeFailure(f"the trace store to be measured did not start in {_START_SECONDS} s; it said: {said}")
