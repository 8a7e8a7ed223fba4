"""One order is one trace: every hop is there, each under its parent, and the guard itself is guarded."""

import copy
import os
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stormglass.testing import Platform
from tests.telemetry.asking import fetch_order_trace
from tests.telemetry.order_trace import EDGES, JOB, PLACE, Span, faults, hop

Order = tuple[dict[str, Any], list[Span]]


def test_every_hop_of_an_order_is_in_its_trace_under_its_parent(order: Order) -> None:
    _, spans = order
    assert faults(spans) == []


def test_the_order_was_confirmed_and_mailed(order: Order) -> None:
    report, _ = order
    assert report["status"] == "confirmed"
    assert report["order_id"] in report["mail"]["subject"]


def test_routes_in_spans_are_templates_and_no_span_carries_an_address(order: Order) -> None:
    report, spans = order
    for span in spans:
        assert report["order_id"] not in str(span["attributes"].get("http.route", ""))
        assert report["order_id"] not in span["name"]
        assert report["email"] not in str(span)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge[0]} to {edge[1]}")
def test_the_guard_sees_each_missing_edge(order: Order, edge: tuple[str, str]) -> None:
    _, spans = order
    parent, child = edge
    cut = copy.deepcopy(spans)
    by_id = {span["span_id"]: span for span in spans}
    for span in cut:
        above = by_id.get(span["parent_span_id"])
        if hop(span, by_id) == child and (hop(above, by_id) if above else "") == parent:
            span["parent_span_id"] = "" if parent else "00000000000000ff"
    assert faults(cut)


SABOTAGE = {
    # the outbox row forgets which request wrote it
    "outbox": ("stormglass.telemetry.carrier", "current", "lambda: ''", (PLACE, JOB)),
    # a service does not tell the next one which trace it is in
    "http client": ("stormglass.service.client", "inject", "lambda carrier: None", ("", "internal: POST")),
}


@pytest.fixture(params=SABOTAGE, ids=lambda name: name.replace(" ", "-"))
def sabotaged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Platform, str]]:
    """A second instance, built without one propagation step, beside the one under test."""
    module, name, replacement, _ = SABOTAGE[request.param]
    (tmp_path / "sitecustomize.py").write_text(
        textwrap.dedent(f"""
            import importlib.abc, sys

            class Sabotage(importlib.abc.MetaPathFinder):
                def find_spec(self, fullname, path, target=None):
                    if fullname != {module!r}:
                        return None
                    sys.meta_path.remove(self)
                    spec = importlib.util.find_spec(fullname)
                    run = spec.loader.exec_module
                    def exec_module(module):
                        run(module)
                        setattr(module, {name!r}, {replacement})
                    spec.loader.exec_module = exec_module
                    return spec

            import importlib.util
            sys.meta_path.insert(0, Sabotage())
        """)
    )
    handle = Platform("sabotaged")
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(tmp_path)
    try:
        handle.run("up", "--fresh", timeout=240)
        handle.run("catalogue")
        yield handle, request.param
    finally:
        handle.run("down", "--purge", check=False)
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def test_a_build_without_one_propagation_step_fails_the_guard(
    platform: Platform, sabotaged: tuple[Platform, str]
) -> None:
    handle, which = sabotaged
    report = handle.json("order")
    assert report["status"] == "confirmed", "the order itself must not depend on its trace"
    time.sleep(2)
    spans = handle.json("trace", report["trace_id"])["spans"]
    found = faults(spans)
    _, child = SABOTAGE[which][3]
    assert any(child in fault for fault in found), found
    # two instances lived side by side all the while
    assert fetch_order_trace(platform)[0]["status"] == "confirmed"
