"""From a bucket of a latency histogram to a request that was in it, its trace, and what was logged in it."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from chaos.testing.injector import FaultInjector
from stormglass.testing import Platform, eventually
from tests.telemetry.asking import log_lines, prometheus, spans_in_store

HISTOGRAMS = {
    # Traefik has no exemplars of its own: these are made of its spans
    "edge": 'traces_spanmetrics_latency_bucket{exported_service="edge"}',
    "gateway": 'http_server_request_duration_seconds_bucket{service="gateway"}',
    "gateway's call": 'http_client_request_duration_seconds_bucket{service="gateway"}',
    "orders": 'http_server_request_duration_seconds_bucket{service="orders"}',
    "products": 'http_server_request_duration_seconds_bucket{service="products"}',
    "users": 'http_server_request_duration_seconds_bucket{service="users"}',
    "statement": 'db_client_operation_duration_seconds_bucket{service="orders"}',
    "queue": 'queue_wait_seconds_bucket{service="worker"}',
    "job": 'job_duration_seconds_bucket{service="worker"}',
    "settlement": 'order_settlement_seconds_bucket{service="orders"}',
}
SLOW = ("edge", "gateway", "gateway's call", "orders")
"""Whose own time the slow database is in: more than `SLOW_SECONDS`, which an order does not take otherwise."""

SLOW_SECONDS = 0.25
SCRAPED_SECONDS = 30.0
"""Prometheus looks every 5 s."""


@pytest.fixture(scope="module")
def begun() -> float:
    return time.time()


@pytest.fixture(scope="module")
def slow_orders_trace(platform: Platform, begun: float) -> str:
    """The trace of an order that was placed while its database was 20 ms away; the fault has ended."""
    injector = FaultInjector(platform)
    with injector("orders→postgres", "latency", latency=20):
        report = platform.json("order")
    assert report["placed_ms"] > 1000 * SLOW_SECONDS
    return str(report["trace_id"])


Exemplar = dict[str, Any]
Found = Callable[[str], list[Exemplar]]


@pytest.fixture(scope="module")
def exemplars(platform: Platform, begun: float) -> Found:
    """What Prometheus has of a histogram since the test began, each with the bucket that it is in."""

    def ask(histogram: str) -> list[Exemplar]:
        series = prometheus(platform, "query_exemplars", query=histogram, start=str(begun), end=str(time.time() + 60))
        return [
            {"trace_id": each["labels"]["trace_id"], "seconds": float(each["value"]), "le": one["seriesLabels"]["le"]}
            for one in series
            for each in one["exemplars"]
        ]

    return ask


@pytest.mark.parametrize("where", HISTOGRAMS)
def test_a_bucket_leads_to_the_request_that_was_in_it(where: str, slow_orders_trace: str, exemplars: Found) -> None:
    least = SLOW_SECONDS if where in SLOW else 0.0

    def of_the_order() -> list[Exemplar]:
        found = [each for each in exemplars(HISTOGRAMS[where]) if each["trace_id"] == slow_orders_trace]
        # its requests may have gone to two replicas, and these are not looked at in the same moment
        return found if any(each["seconds"] > least for each in found) else []

    found = eventually(of_the_order, seconds=SCRAPED_SECONDS, every=0.5, what=f"an exemplar of {where} over {least} s")
    assert all(each["seconds"] <= float(each["le"]) for each in found)


def test_every_exemplar_leads_to_a_trace_and_to_log_lines(
    platform: Platform, slow_orders_trace: str, exemplars: Found
) -> None:
    named = {each["trace_id"] for each in exemplars(HISTOGRAMS["gateway"])}
    assert slow_orders_trace in named
    logged = {line.get("trace_id") for line in log_lines(platform)}
    for trace_id in named:
        assert spans_in_store(platform, trace_id), f"{trace_id} is not in the trace store"
        assert trace_id in logged, f"nothing was logged in {trace_id}"
    told = {line["service"] for line in log_lines(platform, slow_orders_trace)}
    assert {"gateway", "orders", "worker"} <= told
