"""Where the endpoints of an instance are: on ports of this machine's loopback, or in containers that have names.

Everything that renders a configuration or opens a connection asks here, so that both runtimes differ in this and in
nothing else.
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from stormglass.graph import Edge, Process, Topology

HOST = "127.0.0.1"
"""Natively everything listens here, and only here."""

HostPort: TypeAlias = tuple[str, int]


class Network(Protocol):
    """Addresses are pairs of host and TCP port."""

    @property
    def listen_host(self) -> str:
        """What a process binds its ports to."""
        ...

    def endpoint(self, label: str, number: int = 1) -> HostPort:
        """What a replica listens on for `label`, past every fault proxy."""
        ...

    def proxy(self, edge: Edge) -> HostPort:
        """What the fault proxy of an edge listens on, as the client of the edge addresses it."""
        ...

    def upstream(self, edge: Edge) -> HostPort:
        """Where the fault proxy of an edge leads."""
        ...


@dataclass(frozen=True, slots=True)
class Loopback:
    """Native processes: one address, a port for everything, all within a block that begins at `base_port`."""

    topology: Topology
    base_port: int
    listen_host: str = HOST

    def endpoint(self, label: str, number: int = 1) -> HostPort:
        """See `Network`."""
        return HOST, self.topology.port(self.base_port, label, number)

    def proxy(self, edge: Edge) -> HostPort:
        """See `Network`."""
        return HOST, self.topology.proxy_port(self.base_port, edge)

    def upstream(self, edge: Edge) -> HostPort:
        """See `Network`."""
        return self.endpoint(edge.label, edge.replica)


TRAFFIC, ADMIN = 8000, 9000
"""Ports of our own processes in containers: each has a network interface of its own, so all have the same."""

PROXIES = 18000
"""The fault proxy's ports in containers are counted from here; that of an edge keeps its distance of the native one."""

PORTS = {
    "internal": 8001,
    "toxiproxy": 8474,
    "postgres": 5432,
    "redis": 6379,
    "mail": 1025,
    "mail-api": 8025,
    "prometheus": 9090,
    "alertmanager": 9093,
    "postgres-exporter": 9187,
    "redis-exporter": 9121,
    "traces": 3200,
    "traces:admin": 8889,
}
"""Of servers that are not ours: their usual ones, so that who knows an image finds everything where it expects it."""

SERVERS = {"traces": "tempo", "traces:admin": "collector"}
"""Containers in the place of native processes: traces are asked of Tempo, their metrics are made by the Collector."""

OTLP: HostPort = ("collector", 4318)
"""Who sends spans sends them to the Collector, which passes on what is worth keeping."""


@dataclass(frozen=True, slots=True)
class Containers:
    """One container per replica, called like the replica; the engine's DNS knows them by these names."""

    topology: Topology
    listen_host: str = "0.0.0.0"

    def endpoint(self, label: str, number: int = 1) -> HostPort:
        """See `Network`."""
        owner: Process = self.topology.owner(label)
        default = ADMIN if label.endswith(":admin") else TRAFFIC
        return SERVERS.get(label, owner.replica_name(number)), PORTS.get(label, default)

    def proxy(self, edge: Edge) -> HostPort:
        """See `Network`."""
        return "faultproxy", self.topology.proxy_port(PROXIES, edge)

    def upstream(self, edge: Edge) -> HostPort:
        """See `Network`; what is written to the native trace store goes to the Collector here."""
        return OTLP if edge.label == "traces" else self.endpoint(edge.label, edge.replica)
