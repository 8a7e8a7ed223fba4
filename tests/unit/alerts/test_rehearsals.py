"""Every alert has one rehearsal, which a person can type, and which its rule and its runbook name."""

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from chaos.engine import registry
from chaos.engine.attributes import parse_all
from observability.alerts.rehearsal import rounds
from observability.rules.build import alerts
from stormglass.topology import TOPOLOGY

ROOT = Path(__file__).parents[3]
ALERTS = {str(alert["alert"]): alert for alert in alerts()}
REHEARSED = sorted(ALERTS.keys() - {rounds.WATCHDOG})


def test_every_alert_has_one_rehearsal_and_only_the_watchdog_has_none() -> None:
    assert sorted(rounds.names()) == REHEARSED
    assert ALERTS[rounds.WATCHDOG]["labels"]["severity"] == "none"


@pytest.mark.parametrize("fault", [each.fault for round_ in rounds.ROUNDS for each in round_])
def test_its_fault_is_one_that_can_be_put(fault: str) -> None:
    target, name, *pairs = fault.split()
    kind = registry.kind(name)
    parse_all(name, kind.attributes, dict(pair.split("=") for pair in pairs))
    known = {edge.name for edge in TOPOLOGY.edges} | {process.name for process in TOPOLOGY.processes}
    assert target in known | {each.replica_name(number) for each in TOPOLOGY.processes for number in (1, 2)}


@pytest.mark.parametrize("name", REHEARSED)
def test_rule_and_runbook_name_it_and_the_runbook_says_how_long_it_takes(name: str) -> None:
    notes: dict[str, Any] = ALERTS[name]["annotations"]
    rehearsal = rounds.of(name)
    assert rehearsal
    assert notes["rehearsal"] == rehearsal.command
    (section,) = re.findall(r"\n## Rehearsal\n(.*)", (ROOT / notes["runbook"]).read_text(encoding="utf-8"), re.DOTALL)
    assert f"`{rehearsal.command}`" in section
    assert re.search(rf"\| `{name}` \| \d+ s \| \d+ s \|", section)


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_alert_runbook_and_page_lead_to_each_other(name: str) -> None:
    notes = ALERTS[name]["annotations"]
    text = (ROOT / notes["runbook"]).read_text(encoding="utf-8")
    assert f"`stormglass dashboards render {notes['dashboard']}`" in text
    if name != rounds.WATCHDOG:
        assert "`stormglass alerts rehearse " in text


def test_for_some_alerts_only_their_faults_are_put() -> None:
    (first, second) = rounds.chosen(["DatabaseAway", "OutboxGrowing"])
    assert [each.fault for each in first] == ["orders→postgres down"]
    assert [each.alerts for each in second] == [("OutboxGrowing",)]


APART = {
    # an order needs its database: it fails, or takes long, and is settled late
    frozenset({"orders→postgres down", "orders→internal down"}),
    frozenset({"orders→postgres down", "orders→postgres latency latency=40ms"}),
    frozenset({"orders→postgres down", "worker→redis down"}),
    # it needs the products service
    frozenset({"products-1 bad-deploy errors=0.5", "orders→internal down"}),
    # and passes the gateway
    frozenset({"gateway→internal latency latency=400ms", "orders→postgres latency latency=40ms"}),
}
"""Faults that may not share a round: an alert that fires under both would be proof of neither."""


def test_faults_that_may_fire_the_same_alert_are_in_different_rounds() -> None:
    every = [each for round_ in rounds.ROUNDS for each in round_]
    found = {frozenset({a.fault, b.fault}) for a, b in combinations(every, 2) if rounds.confounded(a, b)}
    assert found == APART
    for round_ in rounds.ROUNDS:
        for one, other in combinations(round_, 2):
            assert not rounds.confounded(one, other)
            assert one.fault.split()[0] != other.fault.split()[0], "the second would act on what the first has broken"


@pytest.mark.parametrize("name", REHEARSED)
def test_an_alert_that_tells_what_it_is_about_is_rehearsed_about_one_thing(name: str) -> None:
    labels, expression = rounds.labels()[name], str(ALERTS[name]["expr"])
    tells = {label for found in re.findall(r"\bby \(([a-z_, ]+)\)", expression) for label in found.split(", ")}
    # an expression that aggregates nothing has the labels of what is scraped
    tells |= {"replica"} if expression.startswith("up ") else set()
    assert labels.keys() <= tells
    assert bool(labels) == bool(tells)


def test_nothing_may_fire_besides_that_there_is_not() -> None:
    assert {alert for round_ in rounds.ROUNDS for each in round_ for alert in each.also} <= ALERTS.keys()
