"""What the processes of a running platform serve is what is declared, and holds nothing that it must not hold."""

from typing import Any

import pytest

from stormglass.testing import Platform, eventually
from tests.telemetry.asking import tag_values
from tests.telemetry.declared import declared_for, deviations
from tests.telemetry.guards import ids_in_labels, raw_paths
from tests.telemetry.order_trace import Span
from tests.telemetry.scrape import OURS, Page, pages, total, value
from tests.telemetry.templates import templates

TOXIPROXYS_OWN = "go_goroutines"
"""Served by Toxiproxy itself, not by chaos.faultproxy (whose page tests/conformance holds to its declaration)."""


@pytest.fixture(scope="module")
def served(platform: Platform, order: tuple[dict[str, Any], list[Span]]) -> list[Page]:
    """Every page, once an order has been everywhere."""
    return list(pages(platform))


@pytest.fixture(scope="module")
def ours(served: list[Page]) -> list[Page]:
    return [page for page in served if page.service in OURS and not _is_toxiproxy(page)]


def _is_toxiproxy(page: Page) -> bool:
    return any(family.name == TOXIPROXYS_OWN for family in page.families)


def test_every_process_that_something_is_declared_for_is_asked(served: list[Page]) -> None:
    assert {page.service for page in served} >= OURS


def test_every_process_serves_what_is_declared_and_nothing_else(ours: list[Page]) -> None:
    found = {page.replica: deviations(page.families, declared_for(page.service)) for page in ours}
    assert {replica: what for replica, what in found.items() if what} == {}


def test_no_label_holds_an_id(served: list[Page]) -> None:
    found = {page.replica: ids_in_labels(page.families) for page in served if page.service in {*OURS, "edge"}}
    assert {replica: what for replica, what in found.items() if what} == {}


def test_routes_of_metrics_are_templates(platform: Platform, ours: list[Page]) -> None:
    routes = {
        sample.labels[label]
        for page in ours
        for family in page.families
        for sample in family.samples
        for label in ("http_route", "url_template")
        if label in sample.labels
    }
    assert len(routes) > 10
    assert raw_paths(routes, templates(platform)) == []


def test_routes_of_spans_are_templates(platform: Platform, served: list[Page]) -> None:
    for attribute in ("http.route", "url.template"):
        routes = tag_values(platform, f"span.{attribute}")
        assert routes
        assert raw_paths(routes, templates(platform)) == []


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("process_resident_memory_bytes", ""),
        ("process_cpu_seconds_total", ""),
        ("python_gc_collections_total", ""),
        ("process_gc_pause_seconds_count", ""),
        ("process_event_loop_lag_seconds_count", "keeper"),
    ],
)
def test_every_process_of_ours_tells_of_its_interpreter(ours: list[Page], name: str, service: str) -> None:
    silent = {page.replica for page in ours if not value(page.families, name)}
    assert silent == ({service} if service else set()), f"{name}: only a process without an event loop may be silent"


def test_an_order_moves_the_figures_that_tell_of_it(platform: Platform) -> None:
    moved = {
        "orders_total": {"outcome": "placed"},
        "order_value_cents_total": {"outcome": "placed"},
        "outbox_delivered_total": {"reason": "new"},
        "mail_total": {"outcome": "sent"},
        "mailsink_messages_total": {"copy": "first"},
        "reservations_total": {"outcome": "confirmed"},
        "queue_wait_seconds_count": {"task": "order_placed"},
        "job_duration_seconds_count": {"outcome": "done"},
        "order_settlement_seconds_count": {"outcome": "confirmed"},
        "db_transactions_total": {"outcome": "committed"},
        "db_client_operation_duration_seconds_count": {"db_operation_name": "INSERT"},
        "telemetry_spans_exported_total": {},
        "cache_requests_total": {"cache": "stock"},
    }
    before = {name: total(platform, name, **labels) for name, labels in moved.items()}
    platform.json("order")

    def all_moved() -> bool:
        still = [name for name, labels in moved.items() if total(platform, name, **labels) <= before[name]]
        assert not still
        return True

    eventually(all_moved, seconds=20, every=1, what="every figure moved")
    # not compared with what was placed: a replica that was killed since has forgotten its share
    assert total(platform, "order_value_cents_total", outcome="confirmed") > 0
