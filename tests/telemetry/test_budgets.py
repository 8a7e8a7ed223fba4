"""What telemetry costs stays within what is declared."""

import json
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from stormglass.telemetry import budgets
from stormglass.telemetry.names import Metric, trace_generator
from stormglass.telemetry.names.registry import metrics_of
from stormglass.testing import Platform, eventually
from tests.telemetry.asking import log_lines, prometheus
from tests.telemetry.order_trace import Span
from tests.telemetry.scrape import pages

Order = tuple[dict[str, Any], list[Span]]
Tell = Callable[[str, object], None]


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Keep a figure in the report, and print it."""

    def say(what: str, figure: object) -> None:
        record_property(what, figure)
        sys.stdout.write(f"{what}: {figure}\n")

    return say


def test_series_of_each_process(platform: Platform, order: Order, tell: Tell) -> None:
    served = list(pages(platform))
    largest_first = sorted(served, key=lambda page: -page.series)
    tell("series by process", json.dumps({page.replica: page.series for page in largest_first}))
    over = {page.replica: page.series for page in served if page.series > budgets.series_of(page.service).most}
    assert over == {}
    applied = {budgets.series_of(page.service) for page in served}
    assert applied == {budgets.SERIES_PER_PROCESS, budgets.SERIES_OF_EDGE, budgets.SERIES_OF_TRACE_STORE}


def test_all_that_is_made_of_spans_fits_into_the_trace_stores_budget(platform: Platform, tell: Tell) -> None:
    bound = sum(_most_series(metric) for metric in metrics_of(trace_generator) if metric.name.startswith("traces_"))
    (page,) = pages(platform, "traces")
    own = sum(not sample.name.startswith("traces_") for family in page.families for sample in family.samples)
    tell("series of the trace store: of its own, and the most it makes of spans", (own, bound))
    assert own > 0
    assert own + bound <= budgets.SERIES_OF_TRACE_STORE.most
    assert f"{bound:,} in all" in budgets.SERIES_OF_TRACE_STORE.why


def _most_series(metric: Metric) -> int:
    """A histogram has one a bucket, `+Inf`, `_sum` and `_count`."""
    return metric.cardinality * (len(metric.buckets) + 3 if metric.buckets else 1)


def test_what_traefik_makes_of_a_request(platform: Platform, order: Order) -> None:
    (page,) = pages(platform, "edge")
    sets = Counter(
        frozenset(label for label in sample.labels.items() if label[0] != "le")
        for family in page.families
        for sample in family.samples
        if "method" in sample.labels
    )
    # counted here, because a release of Traefik may add to it
    assert set(sets.values()) == {20}
    assert "makes 20 of every" in budgets.SERIES_OF_EDGE.why


def test_series_in_total(platform: Platform, order: Order, tell: Tell) -> None:
    head = prometheus(platform, "status/tsdb")["headStats"]["numSeries"]
    (counted,) = prometheus(platform, "query", query='count({__name__=~".+"})')["result"]
    tell("series in Prometheus' head", head)
    tell("series that live", counted["value"][1])
    assert 1000 < int(counted["value"][1]) <= head
    assert head <= budgets.SERIES_IN_TOTAL.most


def test_spans_of_an_order(order: Order, tell: Tell) -> None:
    _, spans = order
    tell("spans of an order", len(spans))
    assert len(spans) <= budgets.SPANS_PER_ORDER.most


def test_log_lines_of_an_order(platform: Platform, order: Order, tell: Tell) -> None:
    report, _ = order
    lines = log_lines(platform, report["trace_id"])
    tell("log lines of an order", len(lines))
    assert 0 < len(lines) <= budgets.LINES_PER_ORDER.most


REQUESTS = 40
SERVICES = ("gateway", "users", "products", "orders", "worker")
ODD = 10
"""Lines that some housekeeping may write meanwhile."""


def test_log_lines_of_a_request(platform: Platform, order: Order, tell: Tell) -> None:
    """Counted in the files, so that a line outside of every trace counts as well."""

    def ask(number: int) -> str:
        # each another one: what the gateways' cache answers never reaches a service
        url = f"{platform.base_url}/products?limit=1&q=none-{number}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return str(answer.headers["X-Trace-Id"])

    before = _lines(platform)
    traces = [ask(number) for number in range(REQUESTS)]
    eventually(lambda: _lines(platform) - before >= REQUESTS, seconds=10, what="the requests' lines")
    written = _lines(platform) - before
    tell("log lines of a request", written / REQUESTS)
    assert written <= REQUESTS * budgets.LINES_PER_REQUEST.most + ODD
    assert len(log_lines(platform, traces[-1])) == budgets.LINES_PER_REQUEST.most


def _lines(platform: Platform) -> int:
    folder = platform.instance.log("gateway-1").parent
    return sum(len(path.read_bytes().splitlines()) for name in SERVICES for path in folder.glob(f"{name}-*.log*"))
