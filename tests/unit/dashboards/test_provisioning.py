"""What a Grafana is given: data sources that exist, links between them that meet, no address in a file."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from observability.dashboards.building import GENERATED
from observability.dashboards.links import ALERTMANAGER, LOKI, PROMETHEUS, TEMPO
from observability.dashboards.live import STEP_SECONDS, TRACE_LABEL
from observability.dashboards.pages import PAGES
from observability.grafana.environment import PROVISIONING, environment
from stormglass.runtime.instance import Instance
from stormglass.runtime.render.prometheus import SCRAPE_SECONDS, targets
from stormglass.telemetry.names import ALL
from tests.telemetry.span_links import TRACES_TO_METRICS, at_a_span

ROOT = Path(__file__).parents[3]


def read(path: str) -> Any:
    return yaml.safe_load((PROVISIONING / path).read_text(encoding="utf-8"))


SOURCES = {each["uid"]: each for each in read("datasources/stormglass.yaml")["datasources"]}
(PROVIDER,) = read("dashboards/stormglass.yaml")["providers"]

FIELDS = {
    PROMETHEUS: {"httpMethod", "timeInterval", "manageAlerts", "prometheusType", "exemplarTraceIdDestinations"},
    TEMPO: {
        "tracesToLogsV2",
        "tracesToMetrics",
        "serviceMap",
        "nodeGraph",
        "search",
        "traceQuery",
        "streamingEnabled",
    },
    LOKI: {"maxLines", "derivedFields"},
    ALERTMANAGER: {"implementation", "handleGrafanaManagedAlerts"},
}
"""Names of `jsonData` in the documentation of Grafana 12 and 13; Grafana passes over a name that it does not know."""


def uids(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["datasourceUid"]} if "datasourceUid" in value else set()
        return own.union(*map(uids, value.values())) if value else own
    return set().union(*map(uids, value)) if isinstance(value, list) and value else set()


def test_the_sources_are_the_ones_that_dashboards_name() -> None:
    assert set(SOURCES) == {PROMETHEUS, TEMPO, LOKI, ALERTMANAGER}
    for uid, source in SOURCES.items():
        # a link in Explore names the type by the uid
        assert source["type"] == uid
        assert set(source["jsonData"]) <= FIELDS[uid]
        assert uids(source) <= set(SOURCES)


def test_exemplars_logs_and_traces_meet() -> None:
    (exemplars,) = SOURCES[PROMETHEUS]["jsonData"]["exemplarTraceIdDestinations"]
    assert (exemplars["name"], exemplars["datasourceUid"]) == (TRACE_LABEL, TEMPO)
    trace, service = SOURCES[LOKI]["jsonData"]["derivedFields"]
    assert (trace["matcherType"], trace["matcherRegex"], trace["datasourceUid"]) == ("label", "trace_id", TEMPO)
    assert (service["matcherType"], service["matcherRegex"]) == ("label", "service_name")
    # two of one name would be one field with two links
    assert trace["name"] != service["name"]
    traces = SOURCES[TEMPO]["jsonData"]
    assert traces["tracesToLogsV2"]["datasourceUid"] == LOKI
    assert traces["serviceMap"]["datasourceUid"] == traces["tracesToMetrics"]["datasourceUid"] == PROMETHEUS


def test_a_log_line_leads_to_the_figures_of_its_service() -> None:
    (url,) = (each["url"] for each in SOURCES[LOKI]["jsonData"]["derivedFields"] if "datasourceUid" not in each)
    uid, variable = re.fullmatch(r"/d/([\w-]+)\?var-(\w+)=\$\$\{__value\.raw\}", url).groups()  # type: ignore[union-attr]  # anything else fails here
    (page,) = (each for each in PAGES if each.uid == uid)
    assert variable in {each.name for each in page.variables}
    loki = yaml.safe_load((ROOT / "observability" / "loki" / "loki.yaml").read_text(encoding="utf-8"))
    indexed = loki["limits_config"]["otlp_config"]["resource_attributes"]["attributes_config"]
    # Loki writes `_` for each dot
    assert "service.name" in next(each for each in indexed if each["action"] == "index_label")["attributes"]


TARGET = {"job", *json.loads(targets(Instance("some", Path("/nowhere"), 24000)))[0]["labels"]}
"""The labels that Prometheus gives to whatever a process serves; one of the metric's own becomes `exported_…`."""


@pytest.mark.parametrize("name", [each["name"] for each in TRACES_TO_METRICS["queries"]])
def test_a_span_leads_to_metrics_by_labels_that_they_have(name: str) -> None:
    query = at_a_span("orders", "POST /orders")[name]
    ((sample, selector),) = re.findall(r"(\w+)\{([^}]*)\}", query)
    (metric,) = (each for each in ALL if each.name == re.sub(r"_(bucket|sum|count)$", "", sample))
    own = {f"exported_{label}" if label in TARGET else label for label in metric.labels}
    # `service` of a metric that has one itself is whoever serves it: no label to find a span's service by
    known = own | (TARGET - set(metric.labels)) | ({"le"} if sample.endswith("_bucket") else set())
    asked = dict(re.findall(r'(\w+)=~?"([^"]*)"', selector))
    (grouped,) = re.findall(r"by \(([^)]*)\)", query)
    assert {*asked, *grouped.split(", ")} <= known
    assert asked["exported_service" if "service" in metric.labels else "service"] == "orders"


def test_it_asks_as_often_as_prometheus_looks() -> None:
    assert SOURCES[PROMETHEUS]["jsonData"]["timeInterval"] == f"{SCRAPE_SECONDS}s"
    assert STEP_SECONDS == SCRAPE_SECONDS


def test_addresses_come_from_the_environment_and_nothing_else_is_taken_for_one() -> None:
    given = environment(Instance("some", Path("/nowhere"), 24000))
    for path in PROVISIONING.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert "http://" not in text
        wanted = set(re.findall(r"(?<!\$)\$\{?(\w+)", text))
        assert wanted <= set(given), path
    assert {source["url"].removeprefix("$") for source in SOURCES.values()} <= set(given)
    assert given["STORMGLASS_PROMETHEUS_URL"].startswith("http://127.0.0.1:24")
    assert PROVIDER["options"]["path"] == "$STORMGLASS_DASHBOARDS"
    assert Path(given["STORMGLASS_DASHBOARDS"]) == GENERATED
    assert Path(given["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).is_file()
    assert Path(given["GF_PATHS_PROVISIONING"], "datasources").is_dir()
