"""Metrics of one's own, paths left out, attributes added."""

import logging
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, Gauge, Histogram

from stormglass.instrumentation.litestar import Instruments


@pytest.mark.parametrize(
    ("path", "recorded"),
    [("/health", 0), ("/health/live", 0), ("/healthy", 1), ("/metrics", 0), ("/things/7", 1)],
)
async def test_excluded_paths(
    ask: Any, spans: InMemorySpanExporter, registry: CollectorRegistry, path: str, recorded: int
) -> None:
    answer = await ask("GET", path, exclude=["/health", "/metrics/"])
    assert answer.status_code == (200 if path == "/things/7" else 404)
    assert len(spans.get_finished_spans()) == recorded
    counts = [s.value for family in registry.collect() for s in family.samples if s.name.endswith("_count")]
    assert counts == [1] * recorded


async def test_attributes_are_asked_for_when_the_route_is_known(ask: Any, only: Any) -> None:
    await ask("GET", "/things/7", attributes=lambda scope: {"app.thing": scope["path_params"]["thing_id"]})
    assert only()[1]["app.thing"] == 7


async def test_a_hook_that_fails_fails_no_request(
    ask: Any, only: Any, sample: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = await ask("GET", "/nowhere", attributes=lambda scope: {"app.thing": scope["path_params"]["none"]})
    assert answer.status_code == 404
    assert only()[1]["http.response.status_code"] == 404
    assert sample("count", status="404") == 1
    assert "hook" in caplog.text


async def test_metrics_that_exist_already(ask: Any, registry: CollectorRegistry) -> None:
    duration = Histogram("answers", "-", ["http_route"], registry=registry)
    active = Gauge("busy", "-", registry=registry)
    own = Instruments(duration, active, ["http_route"], [])
    await ask("GET", "/things/7", instruments=own)
    assert registry.get_sample_value("answers_count", {"http_route": "/things/{thing_id}"}) == 1
    assert registry.get_sample_value("busy") == 0


def test_a_label_that_nobody_fills_is_refused(registry: CollectorRegistry) -> None:
    duration = Histogram("answers", "-", ["http_route", "user"], registry=registry)
    with pytest.raises(ValueError, match=r"\['user'\].*use some of http_request_method"):
        Instruments(duration, Gauge("busy", "-", registry=registry), ["http_route", "user"], [])


async def test_labels_can_be_left_out(ask: Any) -> None:
    registry = CollectorRegistry()
    await ask("GET", "/things/7", instruments=Instruments.create(registry, exclude=["url_scheme", "error_type"]))
    labels = {
        "http_request_method": "GET",
        "http_route": "/things/{thing_id}",
        "http_response_status_code": "200",
    }
    assert registry.get_sample_value("http_server_request_duration_seconds_count", labels) == 1
