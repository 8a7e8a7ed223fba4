"""The rules that a reader feels, and the JSON that is committed."""

import json
from dataclasses import replace

import pytest

from chaos.engine.registry import kinds
from observability.dashboards.building import GENERATED, rendered
from observability.dashboards.definition import Dashboard, DashboardError, Panel, Query, Row, Shape, Unit, check
from observability.dashboards.pages import PAGES
from stormglass.containers.contained import NATIVE_ONLY, USUAL_SERVERS
from stormglass.topology import TOPOLOGY

PANEL = Panel("How many?", "All of them.", Unit.COUNT, (Query("up"),))


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
        assert made["gridPos"]["x"] + made["gridPos"]["w"] <= 24
    assert drawn["uid"] == wanted.uid


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
