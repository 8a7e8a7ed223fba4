"""What the unit tests of the platform share: an environment of their own, and spans to look at."""

import sys
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer
from prometheus_client import REGISTRY

from stormglass import settings


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The environment of a process called `probe`; settings are read anew before and after."""
    monkeypatch.setenv("STORMGLASS_SERVICE", "probe")
    settings.forget()
    yield monkeypatch
    settings.forget()


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(spans: InMemorySpanExporter) -> Tracer:
    """A tracer whose finished spans are in `spans`; no global provider is touched."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return provider.get_tracer("test")


@pytest.fixture
def growth() -> Callable[..., Callable[[], float]]:
    """`growth(name, label=…)()`: by how much a sample has grown since the first call."""

    def start(name: str, **labels: str) -> Callable[[], float]:
        before = REGISTRY.get_sample_value(name, labels) or 0.0
        return lambda: (REGISTRY.get_sample_value(name, labels) or 0.0) - before

    return start


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads that take turns a thousand times as often as usual: what is not guarded goes wrong soon."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 1000)
    yield
    sys.setswitchinterval(usual)
