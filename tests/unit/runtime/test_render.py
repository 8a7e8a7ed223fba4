"""Rendered configuration: loopback only, secrets in private files only, one server per replica, reachable by edge."""

import configparser
import json
import re
import stat
from typing import Any

import pytest
import yaml

from stormglass.runtime import vault
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance
from stormglass.runtime.render import postgres, prometheus, supervisor, traefik, valkey
from stormglass.runtime.render.files import write_all
from stormglass.topology import TOPOLOGY, Edge


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
    assert len(files) == 6
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_each_replica_is_a_traefik_service_with_its_own_health_check(instance: Instance) -> None:
    services = _dynamic(instance)["services"]
    members = [entry["name"] for entry in services["orders"]["weighted"]["services"]]
    assert members == ["orders-1", "orders-2"]
    for number, name in enumerate(members, start=1):
        balancer = services[name]["loadBalancer"]
        assert balancer["servers"] == [{"url": f"http://127.0.0.1:{instance.port('orders', number)}"}]
        assert balancer["healthCheck"]["port"] == instance.port("orders:admin", number)
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


def test_scaling_changes_routes_and_targets(instance: Instance) -> None:
    scaled = instance.scaled(TOPOLOGY["orders"], 3)
    assert len(_dynamic(scaled)["services"]["orders"]["weighted"]["services"]) == 3
    assert len(json.loads(prometheus.targets(scaled))) == len(json.loads(prometheus.targets(instance))) + 1


def test_addresses_are_looked_up_by_edge(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault proxy put on every edge is used by every client, without another change."""

    def proxied(self: Instance, edge: Edge) -> str:
        return f"127.0.0.1:{self.topology.proxy_port(self.base_port, edge)}"

    monkeypatch.setattr(Instance, "edge_address", proxied)
    proxy_ports = {TOPOLOGY.proxy_port(instance.base_port, edge) for edge in TOPOLOGY.edges}
    dialled = {
        int(port)
        for text in (traefik.dynamic(instance), prometheus.targets(instance))
        for port in re.findall(r"127\.0\.0\.1:(\d+)", text)
    }
    dialled |= {int(port) for port in re.findall(r"\bport: (\d+)", traefik.dynamic(instance))}
    assert dialled
    assert dialled <= proxy_ports
    programs = configparser.RawConfigParser()
    programs.read_string(supervisor.config(instance))
    addresses = re.findall(r'STORMGLASS_ADDRESS_\w+="127\.0\.0\.1:(\d+)"', programs["program:orders-1"]["environment"])
    assert len(addresses) == len(TOPOLOGY.edges_of("orders"))
    assert {int(port) for port in addresses} <= proxy_ports


def test_each_role_may_enter_only_its_own_database(instance: Instance) -> None:
    rows = [line.split()[1:3] for line in postgres.hba(TOPOLOGY).splitlines() if line.startswith("host")]
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
