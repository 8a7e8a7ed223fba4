"""What watches the containers is configured as what watches natively is: services, flags, Grafana; needs no engine."""

import re
from pathlib import Path

import pytest

from observability import rules
from observability.dashboards.building import GENERATED
from observability.grafana.environment import PROVISIONING, environment
from stormglass.containers.contained import CONTAINED, contained
from stormglass.runtime.instance import Instance
from stormglass.runtime.programs import command
from stormglass.topology import TOPOLOGY
from tests.unit.deploy.compose_files import FILES, ROOT, SERVICES, flags, mebibytes, mounts
from tests.unit.deploy.observing import LOKI, TEMPO

NATIVE = Instance("some", Path("/nowhere"), 24000)
"""To compare with."""

WATCHING = FILES["observability/compose.yaml"]["services"]


def proxied(client: str) -> str:
    (edge,) = CONTAINED.edges_of(client)
    return contained().edge_address(edge)


def test_go_gives_memory_back_before_a_container_is_ended() -> None:
    for name, one in WATCHING.items():
        limit, soft = mebibytes(one["mem_limit"]), one.get("environment", {}).get("GOMEMLIMIT")
        # exporters and Alertmanager stay far below theirs; Tempo reads the container's own
        if soft:
            assert limit * 0.75 <= mebibytes(soft) <= limit * 0.85
        else:
            assert limit <= 48 or name == "tempo"
    assert TEMPO["memory"] == {"automemlimit_enabled": True, "automemlimit_ratio": 0.8}


class TestMetrics:
    @pytest.mark.parametrize("name", ["prometheus", "alertmanager", "redis-exporter"])
    def test_flags_are_those_of_the_native_server(self, name: str) -> None:
        _, *native = command(NATIVE, TOPOLOGY.owner(name))
        # where files and ports are is the container's own
        elsewhere = ("--config.file", "--storage.tsdb.path", "--storage.path", "--web.listen-address", "--redis.")
        assert {flag for flag in native if not flag.startswith(elsewhere)} <= flags(name)

    def test_the_postgres_exporter_asks_only_our_queries(self) -> None:
        native = {"--disable-default-metrics", "--disable-settings-metrics", "--log.format=json"}
        assert native <= set(command(NATIVE, TOPOLOGY.owner("postgres-exporter")))
        assert native <= flags("postgres-exporter")
        # those that version 0.19 has on by itself
        on = "database locks replication replication_slot roles stat_bgwriter stat_database stat_progress_vacuum"
        on += " stat_user_tables statio_user_tables wal"
        assert {f"--no-collector.{each}" for each in on.split()} <= flags("postgres-exporter")

    def test_exporters_go_through_the_fault_proxy(self) -> None:
        given = SERVICES["postgres-exporter"]["environment"]
        assert given["DATA_SOURCE_URI"] == f"{proxied('postgres-exporter')}/postgres?sslmode=disable"
        assert f"--redis.addr=redis://{proxied('redis-exporter')}" in flags("redis-exporter")

    def test_prometheus_evaluates_the_rules_of_a_demonstration(self) -> None:
        source, _ = mounts("prometheus")["/etc/stormglass/rules.yml"]
        assert ROOT / source == Path(rules.__file__).parent / "generated" / "demo.yml"

    def test_prometheus_takes_what_tempo_writes(self) -> None:
        (written,) = TEMPO["metrics_generator"]["storage"]["remote_write"]
        assert written["url"] == "http://prometheus:9090/api/v1/write"
        assert written["send_exemplars"]
        assert "--web.enable-remote-write-receiver" in flags("prometheus")


class TestGrafana:
    GIVEN = SERVICES["grafana"]["environment"]

    def test_it_is_told_all_that_a_native_one_is_told(self) -> None:
        assert set(environment(NATIVE)) <= set(self.GIVEN)
        wanted = {
            name
            for path in PROVISIONING.rglob("*.yaml")
            for name in re.findall(r"(?<!\$)\$\{?(\w+)", path.read_text(encoding="utf-8"))
        }
        assert wanted <= set(self.GIVEN)

    @pytest.mark.parametrize(
        ("variable", "address"),
        [
            ("STORMGLASS_PROMETHEUS_URL", "prometheus:9090"),
            ("STORMGLASS_TRACES_URL", f"tempo:{TEMPO['server']['http_listen_port']}"),
            ("STORMGLASS_LOKI_URL", f"loki:{LOKI['server']['http_listen_port']}"),
            ("STORMGLASS_ALERTMANAGER_URL", "alertmanager:9093"),
        ],
    )
    def test_sources_are_services_here(self, variable: str, address: str) -> None:
        assert self.GIVEN[variable] == f"http://{address}"
        assert address.partition(":")[0] in WATCHING

    def test_pages_and_sources_are_the_committed_ones(self) -> None:
        mounted = {target: ROOT / source for target, (source, _) in mounts("grafana").items()}
        assert mounted[self.GIVEN["GF_PATHS_PROVISIONING"]] == PROVISIONING
        pages = self.GIVEN["STORMGLASS_DASHBOARDS"]
        assert mounted[pages] == GENERATED
        home = Path(self.GIVEN["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
        assert str(home.parent) == pages
        assert (GENERATED / home.name).is_file()

    def test_nobody_needs_an_account_and_nobody_has_one(self) -> None:
        on = ("GF_AUTH_ANONYMOUS_ENABLED", "GF_AUTH_DISABLE_LOGIN_FORM", "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION")
        assert all(self.GIVEN[name] == "true" for name in on)
        assert self.GIVEN["GF_AUTH_BASIC_ENABLED"] == "false"
        assert self.GIVEN["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Editor"  # decision 16

    def test_it_does_not_phone_home(self) -> None:
        off = (
            "GF_ANALYTICS_REPORTING_ENABLED",
            "GF_ANALYTICS_CHECK_FOR_UPDATES",
            "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES",
            "GF_NEWS_NEWS_FEED_ENABLED",
            "GF_PLUGINS_PLUGIN_ADMIN_ENABLED",
            "GF_SNAPSHOTS_EXTERNAL_ENABLED",
        )
        assert all(self.GIVEN[name] == "false" for name in off)
        assert self.GIVEN["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
        assert self.GIVEN["GF_SECURITY_DISABLE_GRAVATAR"] == "true"
        assert LOKI["analytics"] == TEMPO["usage_report"] == {"reporting_enabled": False}
