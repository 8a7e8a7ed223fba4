"""What a Grafana is given: data sources that exist, links between them that meet, no address in a file."""

import re
from pathlib import Path
from typing import Any

import yaml

from observability.dashboards.building import GENERATED
from observability.dashboards.links import ALERTMANAGER, LOKI, PROMETHEUS, TEMPO
from observability.dashboards.live import STEP_SECONDS, TRACE_LABEL
from observability.grafana.environment import PROVISIONING, environment
from stormglass.runtime.instance import Instance
from stormglass.runtime.render.prometheus import SCRAPE_SECONDS


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
"""Names of `jsonData` in the Grafana 13 documentation; Grafana passes over a name that it does not know."""


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
    (field,) = SOURCES[LOKI]["jsonData"]["derivedFields"]
    assert (field["matcherType"], field["matcherRegex"], field["datasourceUid"]) == ("label", "trace_id", TEMPO)
    traces = SOURCES[TEMPO]["jsonData"]
    assert traces["tracesToLogsV2"]["datasourceUid"] == LOKI
    assert traces["serviceMap"]["datasourceUid"] == traces["tracesToMetrics"]["datasourceUid"] == PROMETHEUS


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
