"""The rules that a reader feels, and the JSON that is committed."""

import json
import re
from dataclasses import replace

import pytest

from chaos.engine.registry import kinds
from observability.dashboards.building import GENERATED, rendered
from observability.dashboards.definition import Dashboard, DashboardError, Panel, Query, Row, Shape, Unit, check
from observability.dashboards.pages import PAGES, journey, service, slo
from stormglass.containers.contained import NATIVE_ONLY, USUAL_SERVERS
from stormglass.telemetry import names
from stormglass.telemetry.names.servers import PROCESSES, SERVICES
from stormglass.topology import TOPOLOGY
from tests.telemetry.test_exemplars import HISTOGRAMS

PANEL = Panel("How many?", "All of them.", Unit.COUNT, (Query("up"),))


WITH_EXEMPLARS = {histogram.partition("_bucket")[0] for histogram in HISTOGRAMS.values()} | {names.DB_POOL_WAIT.name}
"""Histograms of which a test sees exemplars: on a running platform, the pool's in tests/unit/platform."""

HOPS = {
    "Edge": "traefik_router_",
    "Gateway": 'service="gateway"',
    "Orders": 'service="orders"',
    "Products": 'service="products"',
    "Outbox": "outbox_",
    "Worker": 'service="worker"',
    "Mail": "mail_total",
}
"""What an order comes through, and what its row asks."""


def page(*panels: Panel) -> Dashboard:
    return Dashboard("some", "Some", "For a test.", (Row("", panels),))


@pytest.mark.parametrize("wanted", PAGES, ids=lambda each: each.uid)
def test_a_page_keeps_the_rules(wanted: Dashboard) -> None:
    check(wanted)


def test_the_generated_files_are_what_the_pages_say() -> None:
    files = dict(rendered())
    for path, text in files.items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run `stormglass dashboards build`"
    assert {path.name for path in GENERATED.iterdir()} == {path.name for path in files}


@pytest.mark.parametrize(
    ("panels", "complaint"),
    [
        ((replace(PANEL, title=""),), "title"),
        ((replace(PANEL, description="no sentence"),), "description"),
        ((replace(PANEL, queries=()),), "asks nothing"),
        ((replace(PANEL, width=5),), "narrow"),
        ((PANEL, PANEL), "taken"),
        ((replace(PANEL, queries=(Query("a"), Query("b", "b"))),), "legend"),
        ((replace(PANEL, queries=(Query("a", exemplars=True),)),), "traces"),
        ((replace(PANEL, shape=Shape.TABLE),), "keys"),
        ((replace(PANEL, keys=("service",)),), "keys"),
        (tuple(replace(PANEL, title=f"How many {n}?", width=24, height=10) for n in range(9)), "screens"),
    ],
)
def test_a_page_that_breaks_a_rule_is_refused(panels: tuple[Panel, ...], complaint: str) -> None:
    with pytest.raises(DashboardError, match=complaint):
        check(page(*panels))


@pytest.mark.parametrize("wanted", PAGES, ids=lambda each: each.uid)
def test_grafana_gets_every_panel_with_its_queries(wanted: Dashboard) -> None:
    (text,) = [text for path, text in rendered() if path.stem == wanted.uid]
    drawn = json.loads(text)
    panels = [each for each in drawn["panels"] if each["type"] != "row"]
    assert [each["title"] for each in panels] == [each.title for each in wanted.panels()]
    for made, panel in zip(panels, wanted.panels(), strict=True):
        assert [target["expr"] for target in made["targets"]] == [query.expr for query in panel.queries]
        assert made["fieldConfig"]["defaults"]["unit"] == panel.unit.value
        assert made["description"].startswith(panel.description)
        assert made["fieldConfig"]["defaults"]["noValue"] == panel.nothing
        assert made["gridPos"]["x"] + made["gridPos"]["w"] <= 24
    assert drawn["uid"] == wanted.uid


@pytest.mark.parametrize("wanted", PAGES, ids=lambda each: each.uid)
def test_where_nothing_happened_there_is_no_line_instead_of_a_nan(wanted: Dashboard) -> None:
    for panel in wanted.panels():
        for query in panel.queries:
            if "histogram_quantile(" in query.expr and "$__range" not in query.expr:
                assert query.expr.endswith(" >= 0"), panel.title
            elif re.search(r"/ \(*sum\b[^/]*rate\(", query.expr):
                assert query.expr.endswith(" > 0)"), panel.title


def test_dots_are_asked_only_of_histograms_that_hold_some() -> None:
    for page_ in PAGES:
        for panel in page_.panels():
            for query in panel.queries:
                if query.exemplars:
                    asked = set(re.findall(r"(\w+)_bucket\b", query.expr))
                    assert asked, f"{page_.uid}, {panel.title}: a dot is one observation of a histogram"
                    assert asked <= WITH_EXEMPLARS, f"{page_.uid}, {panel.title}"


def test_the_journey_has_a_row_for_every_hop() -> None:
    rows = [row for row in journey.PAGE.rows if row.title[0].isdigit()]
    assert [row.title.replace(",", "").split()[:2] for row in rows] == [
        [str(at), hop] for at, hop in enumerate(HOPS, start=1)
    ]
    for row, wanted in zip(rows, HOPS.values(), strict=True):
        assert any(wanted in query.expr for panel in row.panels for query in panel.queries), row.title


def test_the_service_page_offers_our_processes_and_says_who_calls_nobody() -> None:
    (variable,) = service.PAGE.variables
    # `up` has every exporter, `process_cpu_seconds_total` whatever is written in Go
    assert variable.metric == f"{names.EVENT_LOOP_LAG.name}_count"
    assert {*SERVICES, "worker"} <= set(names.EVENT_LOOP_LAG.served_by)
    calls = [panel for panel in service.PAGE.panels() if names.HTTP_CLIENT_DURATION.name in panel.queries[0].expr]
    assert len(calls) == 2
    for panel in calls:
        assert set(re.findall("|".join(PROCESSES), panel.nothing)) == set(names.HTTP_CLIENT_DURATION.served_by)


def test_the_share_of_bad_events_is_to_be_seen_without_a_fault() -> None:
    (panel,) = (panel for panel in slo.PAGE.panels() if panel.title == "Share of bad events")
    assert not panel.moves_under


def test_a_panel_that_moves_under_a_fault_names_one_that_can_be_put() -> None:
    for page_ in PAGES:
        for panel in page_.panels():
            if panel.moves_under:
                target, kind, *_ = panel.moves_under.split()
                assert kind in kinds(), f"{page_.uid}, {panel.title}: {kind} is no kind of fault"
                known = {edge.name for edge in TOPOLOGY.edges} | {process.name for process in TOPOLOGY.processes}
                replicas = {each.replica_name(1) for each in TOPOLOGY.processes}
                assert target in known | replicas, f"{page_.uid}, {panel.title}: there is no {target}"
            if panel.needs:
                assert TOPOLOGY[panel.needs].optional or panel.needs in {*NATIVE_ONLY, *USUAL_SERVERS}
