"""What watches the containers is configured as what watches natively is: services, flags, Grafana; needs no engine."""

import re
from pathlib import Path

import pytest

from observability import rules
from observability.dashboards.building import GENERATED
from observability.grafana.environment import PROVISIONING, environment
from stormglass.runtime.programs import command
from stormglass.topology import TOPOLOGY
from tests.unit.deploy.observing import (
    COMPOSE,
    HERE,
    INSTANCE,
    LOKI,
    PLATFORM,
    TEMPO,
    flags,
    mebibytes,
    proxied,
    service,
    volumes,
)

SHARE_MIB = 1152
"""Of the 3 GiB that all containers may have."""

SERVICES = {
    "collector",
    "tempo",
    "loki",
    "prometheus",
    "alertmanager",
    "postgres-exporter",
    "redis-exporter",
    "grafana",
}


class TestCompose:
    def test_the_services(self) -> None:
        assert set(COMPOSE["services"]) == SERVICES

    @pytest.mark.parametrize("name", sorted(SERVICES))
    def test_an_image_is_pinned(self, name: str) -> None:
        assert re.fullmatch(r"[a-z0-9./_-]+:v?\d+\.\d+\.\d+", service(name)["image"])

    @pytest.mark.parametrize("name", sorted(SERVICES))
    def test_a_container_can_do_nothing_it_need_not(self, name: str) -> None:
        one = service(name)
        assert one["read_only"]
        assert one["cap_drop"] == ["ALL"]
        assert one["security_opt"] == ["no-new-privileges:true"]
        assert not {"privileged", "cap_add", "network_mode", "pid", "user"} & set(one)
        assert one["restart"] == "unless-stopped"
        assert not any("docker.sock" in source for source in volumes(name).values())

    def test_only_grafana_is_published_and_only_here(self) -> None:
        published = {name: one["ports"] for name, one in COMPOSE["services"].items() if "ports" in one}
        assert published == {"grafana": ["127.0.0.1:${STORMGLASS_GRAFANA_PORT:-3000}:3000"]}
        for name, one in COMPOSE["services"].items():
            assert one["networks"] == (["inside", "outside"] if name == "grafana" else ["inside"])
        assert set(PLATFORM["networks"]) == {"inside", "outside"}

    def test_memory_adds_up(self) -> None:
        assert sum(mebibytes(one["mem_limit"]) for one in COMPOSE["services"].values()) <= SHARE_MIB

    def test_go_gives_memory_back_before_a_container_is_ended(self) -> None:
        for name, one in COMPOSE["services"].items():
            limit, soft = mebibytes(one["mem_limit"]), one.get("environment", {}).get("GOMEMLIMIT")
            # exporters and Alertmanager stay far below theirs; Tempo reads the container's own
            if soft:
                assert limit * 0.75 <= mebibytes(soft) <= limit * 0.85
            else:
                assert limit <= 48 or name == "tempo"
        assert TEMPO["memory"] == {"automemlimit_enabled": True, "automemlimit_ratio": 0.8}

    def test_what_is_mounted_exists_and_is_read_only(self) -> None:
        kept = set(COMPOSE["volumes"])
        for name, one in COMPOSE["services"].items():
            for entry in one.get("volumes", ()):
                source, _, *mode = entry.split(":")
                if source.startswith("."):
                    assert (HERE / source).exists(), entry
                    assert mode == ["ro"], entry
                elif source.startswith("secrets-"):
                    assert source in PLATFORM["volumes"], entry
                    assert mode == ["ro"], entry
                    assert one["depends_on"] == {"secrets": {"condition": "service_completed_successfully"}}
                else:
                    assert (source, mode) == (name, []), entry
                    kept.discard(source)
        assert not kept

    def test_checks_are_for_images_that_can_run_them(self) -> None:
        checked = {name for name, one in COMPOSE["services"].items() if "healthcheck" in one}
        # these three have neither a shell nor a command that asks
        assert checked == SERVICES - {"collector", "tempo", "redis-exporter"}


class TestMetrics:
    @pytest.mark.parametrize("name", ["prometheus", "alertmanager", "redis-exporter"])
    def test_flags_are_those_of_the_native_server(self, name: str) -> None:
        _, *native = command(INSTANCE, TOPOLOGY.owner(name))
        # where files and ports are is the container's own
        elsewhere = ("--config.file", "--storage.tsdb.path", "--storage.path", "--web.listen-address", "--redis.")
        assert {flag for flag in native if not flag.startswith(elsewhere)} <= flags(name)

    def test_the_postgres_exporter_asks_only_our_queries(self) -> None:
        native = {"--disable-default-metrics", "--disable-settings-metrics", "--log.format=json"}
        assert native <= set(command(INSTANCE, TOPOLOGY.owner("postgres-exporter")))
        assert native <= flags("postgres-exporter")
        # those that version 0.19 has on by itself
        on = "database locks replication replication_slot roles stat_bgwriter stat_database stat_progress_vacuum"
        on += " stat_user_tables statio_user_tables wal"
        assert {f"--no-collector.{each}" for each in on.split()} <= flags("postgres-exporter")

    def test_exporters_go_through_the_fault_proxy(self) -> None:
        given = service("postgres-exporter")["environment"]
        assert given["DATA_SOURCE_URI"] == f"{proxied('postgres-exporter')}/postgres?sslmode=disable"
        assert f"--redis.addr=redis://{proxied('redis-exporter')}" in flags("redis-exporter")

    def test_prometheus_evaluates_the_rules_of_a_demonstration(self) -> None:
        source = volumes("prometheus")["/etc/stormglass/rules.yml"]
        assert (HERE / source).resolve() == Path(rules.__file__).parent / "generated" / "demo.yml"

    def test_prometheus_takes_what_tempo_writes(self) -> None:
        (written,) = TEMPO["metrics_generator"]["storage"]["remote_write"]
        assert written["url"] == "http://prometheus:9090/api/v1/write"
        assert written["send_exemplars"]
        assert "--web.enable-remote-write-receiver" in flags("prometheus")


class TestGrafana:
    GIVEN = service("grafana")["environment"]

    def test_it_is_told_all_that_a_native_one_is_told(self) -> None:
        assert set(environment(INSTANCE)) <= set(self.GIVEN)
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
        assert address.partition(":")[0] in COMPOSE["services"]

    def test_pages_and_sources_are_the_committed_ones(self) -> None:
        mounted = volumes("grafana")
        assert (HERE / mounted[self.GIVEN["GF_PATHS_PROVISIONING"]]).resolve() == PROVISIONING
        pages = self.GIVEN["STORMGLASS_DASHBOARDS"]
        assert (HERE / mounted[pages]).resolve() == GENERATED
        home = Path(self.GIVEN["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
        assert str(home.parent) == pages
        assert (GENERATED / home.name).is_file()

    def test_nobody_needs_an_account_and_nobody_has_one(self) -> None:
        on = ("GF_AUTH_ANONYMOUS_ENABLED", "GF_AUTH_DISABLE_LOGIN_FORM", "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION")
        assert all(self.GIVEN[name] == "true" for name in on)
        assert self.GIVEN["GF_AUTH_BASIC_ENABLED"] == "false"
        assert self.GIVEN["GF_AUTH_ANONYMOUS_ORG_ROLE"] != "Admin"

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
