"""Rendered configuration: loopback only, secrets in private files only, one server per replica, reachable by edge."""

import configparser
import json
import re
import stat
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from stormglass.runtime import servers, vault
from stormglass.runtime.environment import environment
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance
from stormglass.runtime.programs import command
from stormglass.runtime.render import exporters, faultproxy, postgres, prometheus, supervisor, traefik, valkey
from stormglass.runtime.render.files import write_all
from stormglass.topology import TOPOLOGY, Edge, Endpoint, Kind, Process, Topology, Use


def _dynamic(instance: Instance) -> dict[str, Any]:
    return dict(yaml.safe_load(traefik.dynamic(instance))["http"])


def test_everything_listens_on_loopback_only(instance: Instance) -> None:
    points = yaml.safe_load(traefik.static(instance))["entryPoints"]
    assert {point["address"].partition(":")[0] for point in points.values()} == {"127.0.0.1"}
    assert "listen_addresses = '127.0.0.1'" in postgres.config(instance)
    assert "unix_socket_directories = ''" in postgres.config(instance)
    assert "\nbind 127.0.0.1\n" in valkey.config(instance)
    assert "port = 127.0.0.1:" in supervisor.config(instance)


def test_rendered_files_are_private(instance: Instance) -> None:
    write_all(instance)
    files = list(instance.config.iterdir())
    assert len(files) == 11
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_each_replica_is_a_traefik_service_with_its_own_health_check(instance: Instance) -> None:
    services = _dynamic(instance)["services"]
    members = [entry["name"] for entry in services["orders"]["weighted"]["services"]]
    assert members == ["orders-1", "orders-2"]
    for name in members:
        balancer = services[name]["loadBalancer"]
        traffic, health = (TOPOLOGY.edge(f"internal→{name}{suffix}") for suffix in ("", ":admin"))
        assert balancer["servers"] == [{"url": f"http://{instance.edge_address(traffic)}"}]
        assert balancer["healthCheck"]["port"] == TOPOLOGY.proxy_port(instance.base_port, health)
        assert balancer["serversTransport"] == "internal"
    assert services["gateway-1"]["loadBalancer"]["serversTransport"] == "edge"


def test_every_path_of_the_topology_has_a_route_inside(instance: Instance) -> None:
    routers = _dynamic(instance)["routers"]
    for process in TOPOLOGY.processes:
        for path in process.paths:
            assert f"PathPrefix(`{path}`)" in routers[process.name]["rule"]
            assert routers[process.name]["entryPoints"] == ["internal"]
    assert routers["gateway"]["entryPoints"] == ["edge"]


def test_the_edge_waits_longer_than_the_internal_balancer(instance: Instance) -> None:
    transports = _dynamic(instance)["serversTransports"]
    seconds = {
        name: float(transports[name]["forwardingTimeouts"]["responseHeaderTimeout"].rstrip("s"))
        for name in ("edge", "internal")
    }
    assert seconds["edge"] > seconds["internal"]


def test_no_client_can_make_the_edge_take_a_gateway_for_broken(instance: Instance) -> None:
    http = yaml.safe_load(traefik.dynamic(instance))["http"]
    checked = {
        name for name, service in http["services"].items() if "passiveHealthCheck" in service.get("loadBalancer", {})
    }
    assert checked == {"products-1", "products-2", "orders-1", "orders-2"}
    # a body arrives whole, and no deadline with it, before anybody behind the edge hears of a request
    assert http["routers"]["gateway"]["middlewares"] == ["client-headers", "body", "retry"]
    assert http["middlewares"]["body"]["buffering"]["disableResponseBuffer"]
    assert http["middlewares"]["client-headers"]["headers"]["customRequestHeaders"] == {"X-Request-Timeout-Ms": ""}
    limits = yaml.safe_load(traefik.static(instance))["entryPoints"]["edge"]["transport"]["respondingTimeouts"]
    assert limits == {"readTimeout": "20s", "writeTimeout": "30s", "idleTimeout": "90s"}


def test_scaling_changes_routes_and_targets(instance: Instance) -> None:
    scaled = instance.scaled(TOPOLOGY["orders"], 3)
    assert len(_dynamic(scaled)["services"]["orders"]["weighted"]["services"]) == 3
    assert len(json.loads(prometheus.targets(scaled))) == len(json.loads(prometheus.targets(instance))) + 1


def _dialled(instance: Instance) -> set[int]:
    """Every port that some client of the instance is told to connect to."""
    traces = yaml.safe_load(traefik.static(instance))["tracing"]["otlp"]["http"]["endpoint"]
    rendered = (
        *(traces, traefik.dynamic(instance), prometheus.targets(instance), prometheus.config(instance)),
        exporters.redis_passwords(instance),
        *(text for process in TOPOLOGY.processes for text in command(instance, process) if "redis://" in text),
        *(environment(instance, process, 1).get("DATA_SOURCE_URI", "") for process in TOPOLOGY.processes),
    )
    ports = [port for text in rendered for port in re.findall(r"127\.0\.0\.1:(\d+)", text)]
    ports += re.findall(r"\bport: (\d+)", traefik.dynamic(instance))
    for process, number in instance.places():
        variables = environment(instance, process, number)
        ports += [text.partition(":")[2] for name, text in variables.items() if name.startswith("STORMGLASS_ADDRESS_")]
    return {int(port) for port in ports}


def _inner(instance: Instance) -> list[Edge]:
    return [edge for edge in instance.edges() if edge.process != "client"]


def test_every_client_is_told_its_proxies_and_nothing_else(instance: Instance) -> None:
    assert _dialled(instance) == {TOPOLOGY.proxy_port(instance.base_port, edge) for edge in _inner(instance)}


def test_a_direct_instance_tells_its_clients_the_servers(instance: Instance) -> None:
    direct = replace(instance, direct=True)
    assert _dialled(direct) == {direct.port(edge.label, edge.replica) for edge in _inner(direct)}
    assert json.loads(faultproxy.config(direct)) == []


def test_every_edge_has_a_proxy_that_leads_to_its_server(instance: Instance) -> None:
    proxies = {proxy["name"]: proxy for proxy in json.loads(faultproxy.config(instance))}
    assert {"orders→postgres", "internal→orders-2:admin", "prometheus→worker-1:admin", "client→edge"} <= set(proxies)
    assert "internal→orders-3" not in proxies
    for edge in instance.edges():
        expected = {"name": edge.name, "listen": instance.edge_address(edge)}
        assert proxies.pop(edge.name) == {**expected, "upstream": instance.address(edge.label, edge.replica)}
    assert proxies == {}


def test_one_process_and_one_use_more_have_their_proxies_without_further_work(instance: Instance) -> None:
    billing = Process(
        name="billing",
        kind=Kind.APP,
        target="services.billing.app:create_app",
        endpoints=(Endpoint("billing"), Endpoint("billing:admin")),
        replicas=2,
        scalable=True,
        uses=(Use("postgres"),),
        paths=("/bills",),
    )
    edge, *others = TOPOLOGY.processes
    uses = (*edge.uses, *(Use(label, each_replica=True, client="internal") for label in ("billing", "billing:admin")))
    grown = replace(instance, topology=Topology((replace(edge, uses=uses), *others, billing), TOPOLOGY.clients))
    added = {p["name"] for p in faultproxy.proxies(grown)} - {p["name"] for p in faultproxy.proxies(instance)}
    both = {f"internal→billing-{number}{suffix}" for number in (1, 2) for suffix in ("", ":admin")}
    assert added == {"billing→postgres", *both}
    assert _dialled(grown) == {grown.topology.proxy_port(grown.base_port, each) for each in _inner(grown)}


@pytest.mark.parametrize("choice", ["own", "real"])
def test_the_kind_of_proxy_server_can_be_chosen(
    instance: Instance, choice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "toxiproxy-server"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("STORMGLASS_FAULTPROXY", choice)
    line = command(instance, TOPOLOGY["faultproxy"])
    assert (line[0] == str(program)) == (choice == "real")
    assert ("chaos.faultproxy" in line) == (choice == "own")
    assert line[line.index("-config") + 1] == str(instance.config / "faultproxy.json")
    # the real one logs every health check otherwise
    assert ("LOG_LEVEL" in environment(instance, TOPOLOGY["faultproxy"], 1)) == (choice == "real")


def test_a_proxy_server_that_cannot_be_had_is_an_error_that_helps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert servers.faultproxy() is None
    monkeypatch.setenv("STORMGLASS_FAULTPROXY", "real")
    with pytest.raises(RuntimeFailure, match="install Toxiproxy"):
        servers.faultproxy()
    monkeypatch.setenv("STORMGLASS_FAULTPROXY", "both")
    with pytest.raises(RuntimeFailure, match="own or real is wanted"):
        servers.faultproxy()


def test_each_role_may_enter_only_its_own_database(instance: Instance) -> None:
    rows = [line.split()[1:3] for line in postgres.hba(instance).splitlines() if line.startswith("host")]
    assert ["orders", "worker"] in rows
    assert [database for database, role in rows if role == "orders"] == ["orders"]
    assert [role for database, role in rows if database == "all"] == ["postgres"]


def test_the_manager_knows_every_place_and_starts_none_by_itself(instance: Instance) -> None:
    programs = configparser.RawConfigParser()
    programs.read_string(supervisor.config(instance))
    names = [name.partition(":")[2] for name in programs.sections() if name.startswith("program:")]
    places = [process.replica_name(n) for process in TOPOLOGY.processes for n in range(1, process.places + 1)]
    assert names == places
    assert {programs[f"program:{name}"]["autostart"] for name in names} == {"false"}
    assert programs["program:postgres"]["stopsignal"] == "INT"


def test_a_path_the_manager_cannot_express_is_refused_with_advice(instance: Instance) -> None:
    odd = Instance("unit", instance.root / "a;b", 24500)
    odd.save()
    vault.ensure(odd)
    with pytest.raises(RuntimeFailure, match="STORMGLASS_HOME"):
        supervisor.config(odd)
