"""A colour means the same everywhere: what Grafana is told and what is drawn here come from one place, and agree."""

import json
import re
from itertools import product
from typing import Any

import pytest

from observability.dashboards import colours
from observability.dashboards.building import rendered
from observability.dashboards.charts import chart
from observability.dashboards.definition import Panel, Shape
from observability.dashboards.live import Series
from observability.dashboards.pages import PAGES

VALUES = {
    "class": ("2xx", "3xx", "4xx", "5xx"),
    "code": ("200", "304", "429", "503", "5xx"),
    "http_response_status_code": ("0", "201", "404", "500"),
    "result": ("hit", "validated", "miss", "stale", "revalidating", "bypass", "request", "collapsed"),
    "outcome": ("placed", "confirmed", "cancelled", "done", "retry", "dead", "sent", "failed", "committed"),
    "copy": ("first", "repeated"),
    "reason": ("new", "overdue"),
    "service": ("gateway", "orders", "worker"),
    "replica": ("gateway-1", "gateway-2", "worker-2"),
    "process": ("orders-2", "edge"),
    "server": ("products", "users"),
    "exported_service": ("products-1@file", "orders@file"),
    "dependency": ("redis", "postgres"),
    "datname": ("orders",),
    "type": ("down", "latency"),
    "target": ("orders→postgres",),
}
"""What the platform puts into the labels that mean something."""

CHARTS = [
    (page.uid, panel)
    for page in PAGES
    for panel in page.panels()
    if panel.shape in {Shape.LINES, Shape.STACK} and colours.rules(query.legend for query in panel.queries)
]


def names(panel: Panel) -> list[str]:
    """The names that lines of this panel may have."""
    found = []
    for query in panel.queries:
        labels = re.findall(r"\{\{(\w+)\}\}", query.legend)
        found += [
            Series(dict(zip(labels, values, strict=True)), ((0.0, 1.0),)).name(query.legend)
            for values in product(*(VALUES.get(label, ("some /text.*",)) for label in labels))
        ]
    return found


def in_grafana(made: Any, name: str) -> str | None:
    """The colour that Grafana gives a line: of the overrides that match, the last one counts."""
    found = None
    for override in made["fieldConfig"]["overrides"]:
        pattern = override["matcher"]["options"]
        if override["matcher"]["id"] == "byRegexp" and re.search(pattern.removeprefix("/").removesuffix("/"), name):
            found = override["properties"][0]["value"]["fixedColor"]
    return found


@pytest.mark.parametrize(("uid", "panel"), CHARTS, ids=lambda each: each if isinstance(each, str) else each.title)
def test_grafana_and_the_page_paint_a_line_alike(uid: str, panel: Panel) -> None:
    (text,) = [text for path, text in rendered() if path.stem == uid]
    (made,) = [each for each in json.loads(text)["panels"] if each["title"] == panel.title]
    lines = [(name, Series({}, ((0.0, 1.0), (5.0, 2.0)))) for name in names(panel)]
    drawn = json.loads(chart(panel, lines, (), (), seconds=60, now=10))["data"]
    rules = colours.rules(query.legend for query in panel.queries)
    for name, line in zip((name for name, _ in lines), drawn, strict=True):
        meant = colours.colour(name, rules)
        assert in_grafana(made, name) == meant
        if meant:
            assert line["line"]["color"] == meant


@pytest.mark.parametrize(
    ("legend", "name", "wanted"),
    [
        ("{{class}}", "2xx", colours.GOOD),
        ("{{code}}", "503", colours.BAD),
        ("{{http_response_status_code}}", "0", "#7f1d1d"),
        ("{{result}}", "hit", colours.GOOD),
        ("{{result}}", "stale", colours.WATCH),
        ("{{result}}", "miss", colours.NEUTRAL),
        ("{{outcome}}", "dead", colours.BAD),
        ("p95", "p95", colours.QUANTILES["p95"]),
        ("gateways' p99", "gateways' p99", colours.QUANTILES["p99"]),
        ("{{service}}", "orders", colours.PARTS["orders"]),
        ("{{replica}}", "orders-1", colours.PARTS["orders"]),
        ("{{replica}}", "orders-2", colours.paler(colours.PARTS["orders"])),
        ("balancer: {{exported_service}}", "balancer: orders@file", colours.PARTS["orders"]),
        ("{{dependency}} → {{fallback}}", "redis → origin", None),
        ("{{http_route}}", "/orders", None),
    ],
)
def test_what_a_value_looks_like(legend: str, name: str, wanted: str | None) -> None:
    assert colours.colour(name, colours.rules([legend])) == wanted


def test_good_and_wrong_are_no_colours_of_anything_else() -> None:
    others = [*colours.PALETTE, *colours.PARTS.values(), *colours.QUANTILES.values()]
    assert not {colours.GOOD, colours.BAD, colours.FAULT} & set(others)
    assert len(set(colours.PARTS.values())) == len(colours.PARTS)
