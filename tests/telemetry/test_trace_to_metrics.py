"""From a span to the metrics of its service: every query that Grafana offers there brings figures."""

import math

import pytest

from stormglass.testing import Platform, eventually
from tests.telemetry.asking import prometheus
from tests.telemetry.span_links import at_a_span

ASKED = at_a_span("orders", "POST /orders")
MOVED_SECONDS = 60.0
"""A rate over 30 s needs two looks, 5 s apart, at a counter that moves between them."""


@pytest.mark.parametrize("name", ASKED)
def test_a_span_leads_to_figures_of_its_service(platform: Platform, name: str) -> None:
    # a healthy service fails nothing: what is held to the platform is that the labels find its answers
    query = ASKED[name].replace('"5.."', '"2.."')

    def moved() -> bool:
        platform.json("order")
        values = [float(series["value"][1]) for series in prometheus(platform, "query", query=query)["result"]]
        return any(value > 0 for value in values if not math.isnan(value))

    eventually(moved, seconds=MOVED_SECONDS, every=3, what=f"{name}: {query}")
