"""Metrics that the store makes of spans, on its real /metrics."""

from typing import Any

import httpx

TRACE = "5b8efff798038103d269b633813fc60c"
KIND = {"span_name": "work", "span_kind": "SPAN_KIND_SERVER", "status_code": "STATUS_CODE_UNSET"}
USER = {"client": "user", "connection_type": "virtual_node"}


def test_each_stored_span_counts_once_however_often_it_is_sent(store: Any, make_export: Any) -> None:
    for export in (make_export(5), make_export(5), make_export(5, first=3), make_export(1, first=7)):
        assert store.send(export).status_code == 200
    store.until(
        lambda: store.metric("traces_spanmetrics_calls_total", service="tester", **KIND) == 7, "seven spans", seconds=5
    )
    assert store.metric("trace_store_spans_duplicate_total") == 9
    assert store.metric("traces_spanmetrics_latency_count", service="tester", **KIND) == 7
    assert store.metric("traces_service_graph_request_total", server="tester", **USER) == 7


def test_two_services_make_an_edge_with_an_exemplar_that_leads_to_the_trace(store: Any, make_export: Any) -> None:
    client = make_export(first=1, trace_id=TRACE, parent="00000000000000ff", service="gateway")
    client.resource_spans[0].scope_spans[0].spans[0].kind = 3
    store.send(make_export(first=2, trace_id=TRACE, parent=f"{1:016x}", service="orders"))
    store.send(client)
    names = {"client": "gateway", "server": "orders", "connection_type": ""}
    store.until(lambda: store.metric("traces_service_graph_request_total", **names) == 1, "the edge", seconds=5)
    answer = httpx.get(
        f"http://127.0.0.1:{store.admin_port}/metrics", headers={"Accept": "application/openmetrics-text"}
    )
    lines = [
        line for line in answer.text.splitlines() if line.startswith("traces_service_graph_request_server_seconds")
    ]
    assert any(f'# {{trace_id="{TRACE}"}}' in line and 'server="orders"' in line for line in lines)


def test_a_flood_of_names_cannot_make_more_series_than_declared(store: Any, make_export: Any) -> None:
    for number in range(20):
        for first in range(1, 21):
            export = make_export(1, first=1_000 * number + first, name=f"name {number} {first}", service=f"s{number}")
            assert store.send(export).status_code == 200
    other = dict.fromkeys(("service", *KIND), "other")
    store.until(lambda: store.metric("traces_spanmetrics_calls_total", **other) == 150, "the rest", seconds=10)
    text = httpx.get(f"http://127.0.0.1:{store.admin_port}/metrics").text
    assert sum(line.startswith("traces_spanmetrics_calls_total{") for line in text.splitlines()) == 251


def test_it_can_be_switched_off(make_store: Any, make_export: Any) -> None:
    store = make_store(generate_metrics="false")
    assert store.send(make_export(5)).status_code == 200
    assert store.metric("trace_store_spans_stored_total") == 5
    assert "traces_spanmetrics_calls_total{" not in httpx.get(f"http://127.0.0.1:{store.admin_port}/metrics").text
