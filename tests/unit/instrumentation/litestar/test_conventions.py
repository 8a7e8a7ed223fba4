"""Names are those of the stable HTTP conventions, as the package of the conventions has them."""

from types import ModuleType
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv.attributes import error_attributes, http_attributes, network_attributes, url_attributes
from opentelemetry.semconv.metrics.http_metrics import HTTP_SERVER_REQUEST_DURATION
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from prometheus_client import CollectorRegistry

from stormglass.instrumentation.litestar import Instruments

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = {"TraceParent": f"00-{TRACE}-{PARENT}-01"}


def stable(*modules: ModuleType) -> set[str]:
    return {value for module in modules for name, value in vars(module).items() if name.isupper()}


NAMES = stable(error_attributes, http_attributes, network_attributes, url_attributes)


async def test_attributes_of_a_good_answer(ask: Any, only: Any) -> None:
    await ask("GET", "/things/7?secret=1")
    span, attributes = only()
    assert attributes == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "url.path": "/things/7",
        "network.protocol.version": "1.1",
        "http.route": "/things/{thing_id}",
        "http.response.status_code": 200,
    }
    assert span.kind is SpanKind.SERVER
    assert span.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("path", ["/things/7", "/broken", "/nowhere"])
@pytest.mark.parametrize("method", ["GET", "BREW"])
async def test_every_attribute_is_a_stable_one(ask: Any, only: Any, method: str, path: str) -> None:
    await ask(method, path)
    _, attributes = only()
    assert set(attributes) <= NAMES


def test_metrics_are_those_of_the_conventions(registry: CollectorRegistry) -> None:
    Instruments.create(registry)
    names = {family.name for family in registry.collect()}
    assert names == {HTTP_SERVER_REQUEST_DURATION.replace(".", "_") + "_seconds", "http_server_active_requests"}


async def test_labels_are_those_of_the_conventions(ask: Any, registry: CollectorRegistry) -> None:
    await ask("GET", "/things/7")
    dotted = {name.replace(".", "_") for name in NAMES}
    labels = {name for family in registry.collect() for sample in family.samples for name in sample.labels} - {"le"}
    assert labels
    assert labels <= dotted


async def test_the_span_continues_the_trace_of_the_request(ask: Any, only: Any) -> None:
    await ask("GET", "/things/7", headers=TRACEPARENT)
    span, _ = only()
    assert format(span.context.trace_id, "032x") == TRACE
    assert format(span.parent.span_id, "016x") == PARENT
    assert span.parent.is_remote


async def test_what_surrounds_the_server_is_no_parent(ask: Any, only: Any, tracer: Tracer) -> None:
    with tracer.start_as_current_span("where the server was started"):
        await ask("GET", "/things/7")
        assert only()[0].parent is None


@pytest.mark.parametrize("value", ["", "00-xyz", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01"])
async def test_a_malformed_parent_begins_a_trace(ask: Any, only: Any, value: str) -> None:
    await ask("GET", "/things/7", headers={"traceparent": value})
    assert only()[0].parent is None


@pytest.mark.parametrize("method", ["PROPFIND", "get", "X" * 100])
async def test_a_client_cannot_choose_a_label(ask: Any, only: Any, registry: CollectorRegistry, method: str) -> None:
    assert (await ask(method, "/things/7")).status_code == 405
    span, attributes = only()
    assert attributes["http.request.method"] == "_OTHER"
    assert attributes["http.request.method_original"] == method[:32]
    assert span.name == "HTTP"
    assert f"'{method}'" not in str([family.samples for family in registry.collect()])


async def test_a_5xx_is_an_error_and_a_4xx_is_none(ask: Any, spans: InMemorySpanExporter, sample: Any) -> None:
    await ask("GET", "/broken")
    await ask("GET", "/nowhere")
    failed, refused = spans.get_finished_spans()
    assert failed.status.status_code is StatusCode.ERROR
    assert (failed.attributes or {})["error.type"] == "500"
    assert refused.status.status_code is StatusCode.UNSET
    assert sample("count", route="/broken", status="500", error_type="500") == 1
    assert sample("count", status="404") == 1


def exemplars(registry: CollectorRegistry) -> list[dict[str, str]]:
    return [s.exemplar.labels for family in registry.collect() for s in family.samples if s.exemplar]


async def test_the_latency_carries_the_trace_as_its_exemplar(ask: Any, registry: CollectorRegistry) -> None:
    await ask("GET", "/things/7", headers=TRACEPARENT)
    assert exemplars(registry) == [{"trace_id": TRACE}]


async def test_a_trace_that_is_not_kept_is_no_exemplar(ask: Any, registry: CollectorRegistry, sample: Any) -> None:
    await ask("GET", "/things/7", headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    assert sample("count", route="/things/{thing_id}") == 1
    assert exemplars(registry) == []
