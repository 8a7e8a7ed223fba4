"""Panels that only a fault moves are seen to move under it: each names the fault, and it is put here."""

import math
import time
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import groupby
from typing import Any

import pytest

from chaos.testing.injector import FaultInjector
from observability.alerts.rehearsal import rounds
from observability.dashboards.definition import Dashboard, Panel
from observability.dashboards.live import Prometheus
from observability.dashboards.pages import PAGES
from stormglass.testing import eventually
from tests.alerts.conftest import Report

MOVED = sorted(
    ((panel.moves_under, page, panel) for page in PAGES for panel in page.panels() if panel.moves_under),
    key=lambda each: each[0],
)
BY_FAULT: Mapping[str, list[tuple[Dashboard, Panel]]] = {
    fault: [(page, panel) for _, page, panel in found] for fault, found in groupby(MOVED, key=lambda each: each[0])
}
REHEARSED = {each.fault for round_ in rounds.ROUNDS for each in round_}

AFTER_SECONDS = 30.0
"""How long after its end a fault is still seen: rates are over half a minute. Later rounds have faults of their own."""


def still(prometheus: Prometheus, fault: str, begun: float, until: float) -> Iterator[str]:
    """The panels of a fault in which nothing has risen above 0 since it was put, and until then."""
    end = min(until, time.time())
    for page, panel in BY_FAULT[fault]:
        lines = [line for query in panel.queries for line in prometheus.series(query, seconds=end - begun, end=end)]
        if not any(value > 0 for line in lines for _, value in line.points):
            yield f"{page.uid}, {panel.title}"


def at_rest(prometheus: Prometheus, fault: str) -> bool:
    """Whether nothing in them is above 0 now: what another fault has moved would prove nothing of this one."""
    for page, panel in BY_FAULT[fault]:
        for line in (line for query in panel.queries for line in prometheus.series(query, seconds=10)):
            assert line.last == 0 or time.time() - line.points[-1][0] > 6, f"{page.uid}, {panel.title} moves already"
    return True


def moved(prometheus: Prometheus, fault: str, begun: float, until: float = math.inf) -> bool:
    """Whether all of them have; the error says which have not."""
    left = list(still(prometheus, fault, begun, until))
    assert not left, f"these stand still: {left}"
    return True


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fault", sorted(REHEARSED & BY_FAULT.keys()))
def test_panels_moved_under_a_fault_of_the_rehearsal(report: Report, prometheus: Prometheus, fault: str) -> None:
    outcomes = [each for each in report["outcomes"] if each["fault"] == fault]
    begun, until = min(each["begun"] for each in outcomes), max(each["ended"] for each in outcomes) + AFTER_SECONDS
    # asked again: a range of many minutes may take a busy machine longer than the client waits for
    eventually(partial(moved, prometheus, fault, begun, until), seconds=60, every=2.0, what=f"under {fault}")


@pytest.mark.usefixtures("load")
def test_panels_move_under_the_other_faults(fault: FaultInjector, prometheus: Prometheus) -> None:
    for wanted in sorted(BY_FAULT.keys() - REHEARSED):
        target, kind, *pairs = wanted.split()
        attributes: dict[str, Any] = dict(pair.split("=") for pair in pairs)
        eventually(partial(at_rest, prometheus, wanted), seconds=90, every=1.0, what=f"rest before {wanted}")
        begun = time.time()
        with fault(target, kind, ttl=120, **attributes):
            eventually(partial(moved, prometheus, wanted, begun), seconds=90, every=1.0, what=f"under {wanted}")
