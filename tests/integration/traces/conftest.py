"""The real trace store as a process of its own, on free ports, with a file of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from stormglass.runtime.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
PROTOBUF = {"Content-Type": "application/x-protobuf"}


class Store:
    """One trace store process; `start()` again after `kill()` continues with the same file."""

    def __init__(self, directory: Path, settings: dict[str, str]) -> None:
        self.database = directory / "traces.db"
        self.log = directory / "store.log"
        self.port, self.admin_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = settings
        self.process: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(base_url=self.url, timeout=30)

    def start(self) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "platform"))),
            "STORMGLASS_SERVICE": "traces",
            "STORMGLASS_PORT": str(self.port),
            "STORMGLASS_ADMIN_PORT": str(self.admin_port),
            "STORMGLASS_TRACES_DATABASE": str(self.database),
            **{f"STORMGLASS_TRACES_{key.upper()}": value for key, value in self._settings.items()},
        }
        command = [sys.executable, "-m", "stormglass.service", "observability.traces.app:create_app"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
        self.until(self._ready, "the trace store to be ready")

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"http://127.0.0.1:{self.admin_port}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(30)
            self.process = None

    @staticmethod
    def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
            time.sleep(0.05)

    def metric(self, name: str, **labels: str) -> float:
        """Value of one sample on /metrics; 0 where it does not exist yet."""
        text = httpx.get(f"http://127.0.0.1:{self.admin_port}/metrics").text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return float(sample.value)
        return 0.0

    def send(self, request: ExportTraceServiceRequest) -> httpx.Response:
        return self.http.post("/v1/traces", content=request.SerializeToString(), headers=PROTOBUF)


MakeStore = Callable[..., Store]
MakeExport = Callable[..., ExportTraceServiceRequest]


@pytest.fixture
def make_store(tmp_path: Path) -> Iterator[MakeStore]:
    stores: list[Store] = []

    def make(**settings: object) -> Store:
        store = Store(tmp_path, {key: str(value) for key, value in settings.items()})
        stores.append(store)
        store.start()
        return store

    yield make
    for store in stores:
        store.http.close()
        store.stop(signal.SIGKILL)


@pytest.fixture
def store(make_store: MakeStore) -> Store:
    return make_store()


@pytest.fixture
def make_export() -> MakeExport:
    """`count` spans, each in a trace of its own unless `trace_id` says otherwise."""

    def make(
        count: int = 1,
        *,
        first: int = 1,
        trace_id: str = "",
        parent: str = "",
        name: str = "work",
        service: str = "tester",
        padding: int = 0,
    ) -> ExportTraceServiceRequest:
        request = ExportTraceServiceRequest()
        resource_spans = request.resource_spans.add()
        attribute = resource_spans.resource.attributes.add(key="service.name")
        attribute.value.string_value = service
        spans = resource_spans.scope_spans.add().spans
        for number in range(first, first + count):
            span = spans.add(
                trace_id=bytes.fromhex(trace_id or f"{number:032x}"),
                span_id=number.to_bytes(8, "big"),
                parent_span_id=bytes.fromhex(parent),
                name=name,
                kind=2,
                start_time_unix_nano=1_795_557_509_000_000_000 + number * 1_000,
                end_time_unix_nano=1_795_557_509_200_000_000 + number * 1_000,
            )
            span.attributes.add(key="number").value.int_value = number
            span.attributes.add(key="padding").value.string_value = "x" * padding
        return request

    return make
