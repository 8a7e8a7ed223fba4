"""Every alert is seen to fire and to clear under the fault it is for, and none without one.

One rehearsal for all of them, about six minutes: what is asserted is what `stormglass alerts rehearse` tells people.
Where something fired in its quiet minute, a short one more tells whether it fires again.
"""

from itertools import pairwise
from typing import Any

import pytest

from observability.alerts.rehearsal import rounds
from observability.dashboards.definition import Query
from observability.dashboards.live import Prometheus
from tests.alerts.conftest import Report

FIRE_SECONDS = 120.0
CLEAR_SECONDS = 150.0
"""Twice what a quiet machine takes; other suites may run beside this one."""


def outcome(report: Report, alert: str) -> dict[str, Any]:
    (found,) = (each for each in report["outcomes"] if each["alert"] == alert)
    return dict(found)


@pytest.mark.timeout(1800)
def test_nothing_fires_while_nothing_is_broken(report: Report) -> None:
    assert report["quiet"] >= 60
    assert report["alarms"] == []


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("alert", rounds.names())
def test_the_alert_fires_under_its_fault_and_clears_after_it(report: Report, alert: str) -> None:
    seen = outcome(report, alert)
    assert seen["fire"] is not None, f"{alert} did not fire under {seen['fault']}"
    assert seen["fire"] <= FIRE_SECONDS, seen
    assert seen["clear"] is not None, f"{alert} did not clear after {seen['fault']}"
    assert seen["clear"] <= CLEAR_SECONDS, seen


@pytest.mark.timeout(1800)
def test_a_database_that_is_away_silences_what_it_explains_until_it_is_back(report: Report) -> None:
    if not report["alertmanager"]:
        pytest.skip("Alertmanager is not installed: what fires was read from Prometheus, which silences nothing")
    silenced = set(outcome(report, "DatabaseAway")["silenced"])
    symptoms = {"PlaceOrderAvailabilityBudgetBurnsFast", "PlaceOrderAvailabilityBudgetBurnsSlowly"}
    assert silenced & symptoms, silenced
    assert not silenced & {"TelemetryDropped", "MetricsMissing", "Watchdog", "DatabaseAway"}
    assert set(report["active_again"]) & symptoms, "what outlives the cause has to be told of again"


@pytest.mark.timeout(1800)
def test_the_watchdog_was_on_all_the_time(report: Report, prometheus: Prometheus) -> None:
    assert report["outcomes"]
    (line,) = prometheus.series(
        Query(f'ALERTS{{alertname="{rounds.WATCHDOG}",alertstate="firing"}}'), seconds=report["seconds"]
    )
    times = [at for at, _ in line.points]
    assert max(b - a for a, b in pairwise(times)) <= 15
