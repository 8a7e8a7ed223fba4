"""The JSON that Grafana gets: what its schema and its own model ask for, and where its links lead."""

import json
import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard as Model

from observability.dashboards import marks
from observability.dashboards.building import rendered
from observability.dashboards.links import ALERTMANAGER, LOKI, PROMETHEUS, TEMPO
from observability.dashboards.pages import PAGES
from observability.rules.build import alerts
from observability.traces.query.parser import parse

FILES = {path.stem: json.loads(text) for path, text in rendered()}
SOURCES = {PROMETHEUS, TEMPO, LOKI, ALERTMANAGER}
OF_GRAFANA = {"__from", "__to", "__url_time_range"}

every_page = pytest.mark.parametrize("drawn", FILES.values(), ids=FILES.keys())


def panels(drawn: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in drawn["panels"] if each["type"] != "row"]


def references(value: object) -> list[str]:
    """Every uid of a data source that is named anywhere."""
    if isinstance(value, dict):
        own = [value["datasource"]["uid"]] if isinstance(value.get("datasource"), dict) else []
        return own + [uid for each in value.values() for uid in references(each)]
    return [uid for each in value for uid in references(each)] if isinstance(value, list) else []


def lost(before: object, after: object, where: str = "") -> list[str]:
    """What `after` does not hold of `before`; what it has besides are defaults."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [each for key in before for each in lost(before[key], after.get(key), f"{where}.{key}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [each for at, (one, other) in pairs for each in lost(one, other, f"{where}[{at}]")]
    return [] if before == after else [f"{where}: {before} became {after}"]


@every_page
def test_grafanas_own_model_reads_it_and_loses_nothing(drawn: dict[str, Any]) -> None:
    register_default_plugins()
    again = json.loads(json.dumps(Model.from_json(drawn), cls=JSONEncoder))
    # its model of annotations is the built-in source's
    assert lost({**drawn, "annotations": None}, again | {"annotations": None}) == []


@every_page
def test_every_panel_is_whole_and_none_covers_another(drawn: dict[str, Any]) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in panels(drawn):
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"]
        assert panel["description"]
        assert defaults["unit"]
        assert defaults["noValue"]
        assert panel["targets"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert x < 24
                assert (x, y) not in taken, f"{panel['title']} lies on {taken[x, y]}"
                taken[x, y] = panel["title"]
    ids = [panel["id"] for panel in drawn["panels"] if panel.get("id")]
    assert len(set(ids)) == len(ids)
    assert set(references(drawn)) <= SOURCES


@every_page
def test_its_variables_exist(drawn: dict[str, Any]) -> None:
    known = {each["name"] for each in drawn["templating"].get("list", [])} | OF_GRAFANA | {"__range"}
    for panel in panels(drawn):
        texts = [target["expr"] for target in panel["targets"]]
        texts += [unquote(link["url"]) for link in panel.get("links", [])]
        used = {name for text in texts for name in re.findall(r"\$\{?([a-z_]+)", text)}
        assert used <= known, panel["title"]


@every_page
def test_links_lead_to_pages_and_to_queries_that_are_understood(drawn: dict[str, Any]) -> None:
    for panel in panels(drawn):
        for link in panel.get("links", []):
            assert link in panel["fieldConfig"]["defaults"]["links"]
            address = urlsplit(link["url"])
            if address.path.startswith("/d/"):
                assert address.path.removeprefix("/d/") in FILES
                assert address.path.removeprefix("/d/") != drawn["uid"], f"{panel['title']} leads to itself"
                continue
            asked = parse_qs(address.query)
            assert (address.path, asked["schemaVersion"]) == ("/explore", ["1"])
            # encoded, Grafana would not see that this is for it to fill in
            assert "${__from}" in link["url"]
            (pane,) = json.loads(asked["panes"][0]).values()
            assert pane["datasource"] in {TEMPO, LOKI}
            assert pane["range"] == {"from": "${__from}", "to": "${__to}"}
            (query,) = pane["queries"]
            assert query["datasource"]["uid"] == pane["datasource"]
            if pane["datasource"] == TEMPO:
                parse(query["query"])
            else:
                assert re.fullmatch(r'\{service_name=~"[^"]+"\}', query["expr"])


@every_page
def test_dots_can_be_clicked_and_hops_lead_to_their_traces(drawn: dict[str, Any]) -> None:
    for panel in panels(drawn):
        titles = {link["title"] for link in panel.get("links", [])}
        if any(target.get("exemplar") for target in panel["targets"]) or drawn["uid"] == "journey":
            assert titles & {"Traces", "Log lines"}, panel["title"]


def test_every_number_of_the_overview_leads_on() -> None:
    for panel in panels(FILES["overview"]):
        assert any(link["url"].startswith("/d/") for link in panel["links"]), panel["title"]


@every_page
def test_faults_and_alerts_are_marked_on_every_page(drawn: dict[str, Any]) -> None:
    faults, firing = drawn["annotations"]["list"]
    # without a step Grafana asks once a minute
    assert {each["step"] for each in (faults, firing)} == {"5s"}
    assert faults["titleFormat"] == "{{type}} {{target}}"
    assert "faults_active" in faults["expr"]
    assert "ALERTS" in firing["expr"]


def page_of(alert: dict[str, str]) -> str:
    """The uid of the page that an alert with these labels leads to."""
    return marks.PAGE_OF_OBJECTIVES if alert.get("slo") else marks.PAGES_OF_LAYERS[alert["layer"]]


def test_an_alert_leads_to_the_page_that_its_rule_names() -> None:
    expression = marks.alerts_with_pages()
    named = [alert for alert in alerts() if alert["annotations"].get("dashboard")]
    assert named
    for alert in named:
        uid = alert["annotations"]["dashboard"]
        assert uid in {page.uid for page in PAGES}
        if alert["labels"]["severity"] != "none":
            assert page_of(alert["labels"]) == uid, f"{alert['alert']}: its layer is shown on another page"
            assert f'"page", "{uid}"' in expression
