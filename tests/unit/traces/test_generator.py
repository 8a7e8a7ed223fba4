"""Span metrics and the service graph: counted once, paired in any order, bounded."""

import itertools
from collections.abc import Callable

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client import REGISTRY

from observability.traces.far_end import FarEnd, far_end
from observability.traces.generator.generator import MetricsGenerator
from observability.traces.generator.series import MAX_LABEL, Bounded
from observability.traces.generator.service_graph import ServiceGraph
from observability.traces.rows import SpanRow, batch_of
from stormglass.telemetry import names

TRACE = bytes(15) + b"\x01"
CLIENT, SERVER, PRODUCER, CONSUMER = (
    Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_SERVER, Span.SPAN_KIND_PRODUCER, Span.SPAN_KIND_CONSUMER
)  # fmt: skip
MakeRow = Callable[..., SpanRow]

_services = itertools.count()


@pytest.fixture
def place() -> str:
    """A prefix for names of services: metrics live as long as the process."""
    return f"test{next(_services)}-"


@pytest.fixture
def row(place: str) -> MakeRow:
    def make(
        number: int,
        parent: int,
        service: str,
        kind: int,
        *,
        ms: int = 10,
        error: bool = False,
        link: int = 0,
        **attributes: str,
    ) -> SpanRow:
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = place + service
        span = resource.scope_spans.add().spans.add(
            trace_id=TRACE,
            span_id=number.to_bytes(8, "big"),
            parent_span_id=parent.to_bytes(8, "big") if parent else b"",
            name=f"span {number}",
            kind=kind,
            start_time_unix_nano=1_000_000_000,
            end_time_unix_nano=1_000_000_000 + ms * 1_000_000,
        )
        span.status.code = 2 if error else 0
        if link:
            span.links.add(trace_id=TRACE, span_id=link.to_bytes(8, "big"))
        for key, value in attributes.items():
            span.attributes.add(key=key.replace("_", ".")).value.string_value = value
        (made,) = batch_of(request).spans
        return made

    return make


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def edge(name: str, client: str, server: str, connection: str = "") -> float:
    return value(f"traces_service_graph_{name}", client=client, server=server, connection_type=connection)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_both_halves_make_one_edge_in_either_order(place: str, row: MakeRow, order: tuple[int, int]) -> None:
    graph = ServiceGraph()
    client = row(1, 9, "gateway", CLIENT, ms=30, peer_service="guess", http_request_method="POST")
    halves = [client, row(2, 1, "orders", SERVER, ms=20)]
    for index in order:
        graph.observe(halves[index], 0)
    names = (f"{place}gateway", f"{place}orders")
    assert edge("request_total", *names) == 1
    assert edge("request_failed_total", *names) == 0
    assert edge("request_client_seconds_sum", *names) == pytest.approx(0.03)
    assert edge("request_server_seconds_sum", *names) == pytest.approx(0.02)
    graph.expire(1_000)
    assert edge("request_total", f"{place}gateway", "guess", "virtual_node") == 0
    assert edge("unpaired_spans_total", f"{place}gateway", "") == 0


@pytest.mark.parametrize("failed", [(True, False), (False, True), (True, True)])
def test_an_error_on_either_side_is_one_failed_request(place: str, row: MakeRow, failed: tuple[bool, bool]) -> None:
    graph = ServiceGraph()
    graph.observe(row(1, 9, "gateway", CLIENT, error=failed[0]), 0)
    graph.observe(row(2, 1, "orders", SERVER, error=failed[1]), 0)
    assert edge("request_failed_total", f"{place}gateway", f"{place}orders") == 1


def test_databases_mail_and_users_make_no_spans_of_their_own(place: str, row: MakeRow) -> None:
    graph = ServiceGraph()
    graph.observe(row(1, 9, "orders", CLIENT, db_system_name="postgresql"), 0)
    graph.observe(row(2, 9, "orders", CLIENT, db_system="redis"), 0)
    graph.observe(row(3, 9, "worker", CLIENT, peer_service="mail"), 0)
    graph.observe(row(4, 0, "edge", SERVER), 0)
    assert edge("request_total", f"{place}orders", "postgres", "database") == 1
    assert edge("request_total", f"{place}orders", "redis", "database") == 1
    assert edge("request_total", f"{place}worker", "mail", "virtual_node") == 1
    assert edge("request_total", "user", f"{place}edge", "virtual_node") == 1
    assert edge("request_server_seconds_count", f"{place}orders", "postgres", "database") == 0


def test_a_message_that_is_delivered_twice_is_two_requests(place: str, row: MakeRow) -> None:
    graph = ServiceGraph()
    graph.observe(row(1, 9, "relay", PRODUCER), 0)
    graph.observe(row(2, 1, "worker", CONSUMER, error=True), 1)
    graph.observe(row(3, 1, "worker", CONSUMER), 2)
    names = (f"{place}relay", f"{place}worker", "messaging_system")
    assert edge("request_total", *names) == 2
    assert edge("request_failed_total", *names) == 1
    graph.expire(1_000)
    assert edge("unpaired_spans_total", f"{place}relay", "", "messaging_system") == 0


def test_a_message_that_is_linked_to_its_sender_is_paired_with_it_not_with_its_parent(place: str, row: MakeRow) -> None:
    graph = ServiceGraph()
    graph.observe(row(1, 9, "relay", PRODUCER), 0)
    graph.observe(row(2, 9, "worker", CONSUMER, link=1), 1)
    graph.observe(row(3, 0, "worker", CONSUMER, link=1), 2)
    assert edge("request_total", f"{place}relay", f"{place}worker", "messaging_system") == 2
    assert edge("request_total", "user", f"{place}worker", "virtual_node") == 0


def test_a_message_that_arrives_before_its_sender_is_paired_and_may_come_again(place: str, row: MakeRow) -> None:
    graph = ServiceGraph()
    graph.observe(row(2, 1, "worker", CONSUMER), 0)
    graph.observe(row(1, 9, "relay", PRODUCER), 1)
    graph.observe(row(3, 1, "worker", CONSUMER), 2)
    graph.observe(row(5, 4, "worker", CONSUMER), 3)
    graph.observe(row(4, 9, "relay", PRODUCER), 4)
    graph.expire(1_000)
    assert edge("request_total", f"{place}relay", f"{place}worker", "messaging_system") == 3
    assert edge("unpaired_spans_total", f"{place}relay", "", "messaging_system") == 0


def test_only_one_half_waits_for_the_same_other(place: str, row: MakeRow) -> None:
    graph = ServiceGraph()
    before = value("traces_service_graph_dropped_spans_total")
    graph.observe(row(2, 1, "orders", SERVER), 0)
    graph.observe(row(3, 1, "users", SERVER), 1)
    assert value("traces_service_graph_dropped_spans_total") == before + 1
    graph.observe(row(1, 9, "gateway", CLIENT), 2)
    assert edge("request_total", f"{place}gateway", f"{place}orders") == 1


def test_a_half_alone_is_given_up_in_time_and_not_before(place: str, row: MakeRow) -> None:
    graph = ServiceGraph(wait_seconds=30)
    graph.observe(row(1, 9, "gateway", CLIENT, peer_service="orders", http_request_method="POST"), 100)
    graph.observe(row(2, 9, "edge", CLIENT), 101)
    graph.observe(row(3, 8, "users", SERVER), 102)
    graph.expire(129)
    graph.observe(row(4, 2, "gateway", SERVER), 129)
    graph.expire(1_000)
    assert edge("request_total", f"{place}gateway", "orders", "virtual_node") == 1
    assert edge("request_total", f"{place}edge", f"{place}gateway") == 1
    assert edge("unpaired_spans_total", "", f"{place}users") == 1
    assert edge("unpaired_spans_total", f"{place}edge", "") == 0


def test_what_waits_is_bounded(row: MakeRow) -> None:
    graph = ServiceGraph(max_waiting=3)
    before = value("traces_service_graph_dropped_spans_total")
    for number in range(1, 6):
        graph.observe(row(number, 9, "gateway", CLIENT), 0)
    graph.observe(row(1, 9, "gateway", CLIENT), 0)
    assert value("traces_service_graph_dropped_spans_total") == before + 3


def test_spans_are_counted_and_timed_by_kind(place: str, row: MakeRow) -> None:
    generator = MetricsGenerator(clock=lambda: 0)
    generator.observe([row(1, 9, "orders", SERVER, ms=20), row(1, 9, "orders", SERVER, ms=40, error=True)])
    labels = {"service": f"{place}orders", "span_name": "span 1", "span_kind": "SPAN_KIND_SERVER"}
    for status, seconds in (("STATUS_CODE_UNSET", 0.02), ("STATUS_CODE_ERROR", 0.04)):
        assert value("traces_spanmetrics_calls_total", **labels, status_code=status) == 1
        assert value("traces_spanmetrics_latency_sum", **labels, status_code=status) == pytest.approx(seconds)


def test_label_sets_are_bounded_and_the_rest_is_called_other() -> None:
    made: list[tuple[str, ...]] = []
    before = value("trace_store_generated_series_refused_total", metric="spanmetrics")

    def make(labels: tuple[str, ...]) -> tuple[str, ...]:
        made.append(labels)
        return labels

    series = Bounded("spanmetrics", 2, make)
    assert series.of(("a", "x")) is series.of(("a", "x"))
    assert series.of(("b", "y" * 1_000)) == ("b", "y" * MAX_LABEL)
    assert series.of(("c", "x")) == series.of(("d", "x")) == ("other", "other")
    assert series.of(("a", "x")) == ("a", "x")
    assert made == [("a", "x"), ("b", "y" * MAX_LABEL), ("other", "other")]
    assert value("trace_store_generated_series_refused_total", metric="spanmetrics") == before + 2
    assert names.SPANMETRICS_CALLS.cardinality == names.MAX_SPAN_KINDS + 1


def test_only_clients_have_a_far_end() -> None:
    span = Span(kind=SERVER)
    span.attributes.add(key="peer.service").value.string_value = "x"
    assert far_end(span) == FarEnd("", "")
