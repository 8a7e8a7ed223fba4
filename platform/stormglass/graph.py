"""What a topology is made of, and everything that follows from one: edges, ports, the order in which to start.

Names:
    process     `orders`; its replicas are `orders-1`, `orders-2`, … (a process with one place only keeps its bare name)
    label       what a client calls an endpoint: `orders`, `orders:admin`, `postgres`, `mail`, `mail-api`, `internal`
    edge        `orders→postgres`, `edge→gateway-1`, `edge→gateway-1:admin`
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import chain

BLOCK = 500
"""Ports one instance may use, counted from its base port."""

MAX_REPLICAS = 6
"""Replicas for which every replicated process has ports reserved."""


OUTSIDE = "client"
"""The client of the edges that lead into the platform."""


class Kind(StrEnum):
    """How a process is started and how its readiness is asked for."""

    APP = "app"  # a Litestar application factory, served by `stormglass.service`
    PROGRAM = "program"  # a Python module that is run as it is and serves the admin endpoint itself
    POSTGRES = "postgres"
    REDIS = "redis"
    TRAEFIK = "traefik"
    PROMETHEUS = "prometheus"
    ALERTMANAGER = "alertmanager"
    POSTGRES_EXPORTER = "postgres-exporter"
    REDIS_EXPORTER = "redis-exporter"
    FAULTPROXY = "faultproxy"  # a server with Toxiproxy's API: one proxy per edge
    MAILPIT = "mailpit"  # in containers, where natively there is a mail server of ours
    TEMPO = "tempo"  # in containers, where natively there is a trace store of ours


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One listening socket of a process; `label` is what clients call it."""

    label: str
    protocol: str = "http"


@dataclass(frozen=True, slots=True)
class Use:
    """A process talks to the endpoint `label`.

    `each_replica` is for load balancers and scrapers, which address replicas one by one; everybody else has one
    address. `client` renames the talking side where one process plays two parts (Traefik is `edge` outside and
    `internal` inside).
    """

    label: str
    each_replica: bool = False
    client: str = ""


@dataclass(frozen=True, slots=True)
class Process:
    """One kind of process. `target` is `module:factory` or a module to run, always as text: nothing is imported."""

    name: str
    kind: Kind
    endpoints: tuple[Endpoint, ...]
    target: str = ""
    replicas: int = 1
    scalable: bool = False
    uses: tuple[Use, ...] = ()
    starts_after: tuple[str, ...] = ()
    optional: bool = False
    paths: tuple[str, ...] = ()  # path prefixes that the internal balancer sends here
    database: bool = False
    shared_databases: tuple[str, ...] = ()  # others' databases it may connect to; their migrations say what it may do
    migrations: str = ""
    drain_seconds: float = 0.0
    stop_seconds: float = 10.0

    @property
    def places(self) -> int:
        """Replicas that have ports reserved."""
        return MAX_REPLICAS if self.scalable else 1

    def replica_name(self, replica: int) -> str:
        """`orders-2` for a replicated process, `postgres` for one that has a single place."""
        return f"{self.name}-{replica}" if self.scalable else self.name


@dataclass(frozen=True, slots=True)
class Edge:
    """One client talking to one endpoint (of one replica, where the client tells replicas apart)."""

    client: str
    process: str
    label: str
    server: str
    replica: int = 1
    each_replica: bool = False

    @property
    def name(self) -> str:
        """As a person writes it: `orders→postgres`."""
        return f"{self.client}→{self.server}"


@dataclass(frozen=True)
class Topology:
    """The processes, and what follows from them; `clients` is what is used from outside, by people and by load."""

    processes: tuple[Process, ...]
    clients: tuple[Use, ...] = ()
    _by_name: dict[str, Process] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name.update({process.name: process for process in self.processes})
        self._unique("processes are called", [process.name for process in self.processes])
        self._unique("endpoints are called", [e.label for process in self.processes for e in process.endpoints])
        for process in self.processes:
            self._validate(process)
        self._known_labels("a client", self.clients)
        self._unique("edges are called", [edge.name for edge in self.edges])
        self.layers()
        if len(self._ports) >= BLOCK:
            raise ValueError(f"{len(self._ports) + 1} ports are needed, a block has {BLOCK}")

    @staticmethod
    def _unique(what: str, names: list[str]) -> None:
        for name, count in Counter(names).items():
            if count > 1:
                raise ValueError(f"{count} {what} {name}")

    def _validate(self, process: Process) -> None:
        if not 1 <= process.replicas <= process.places:
            raise ValueError(f"{process.name} has {process.replicas} replicas, and places for {process.places}")
        self._known_labels(process.name, process.uses)
        for other in process.starts_after:
            if other not in self._by_name:
                raise ValueError(f"{process.name} starts after {other}, which does not exist")
        for other in process.shared_databases:
            if other not in self._by_name or not self._by_name[other].database:
                raise ValueError(f"{process.name} shares the database of {other}, which has none")

    def _known_labels(self, who: str, uses: tuple[Use, ...]) -> None:
        for use in uses:
            if use.label not in self._owners:
                raise ValueError(f"{who} uses {use.label}, which no process listens on")

    @cached_property
    def _owners(self) -> dict[str, Process]:
        return {endpoint.label: process for process in self.processes for endpoint in process.endpoints}

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every edge that any number of replicas up to `MAX_REPLICAS` can have, in a fixed order."""
        return tuple(self._all_edges())

    def _all_edges(self) -> Iterator[Edge]:
        for name, uses in ((OUTSIDE, self.clients), *((process.name, process.uses) for process in self.processes)):
            for use in uses:
                owner = self._owners[use.label]
                for replica in range(1, (owner.places if use.each_replica else 1) + 1):
                    suffix = f"-{replica}" if use.each_replica and owner.scalable else ""
                    head, _, tail = use.label.partition(":")
                    yield Edge(
                        client=use.client or name,
                        process=name,
                        label=use.label,
                        server=f"{head}{suffix}" + (f":{tail}" if tail else ""),
                        replica=replica,
                        each_replica=use.each_replica,
                    )

    @cached_property
    def _ports(self) -> dict[str, int]:
        """Offsets within a block: first what listens, then one proxy port per edge, in the order declared."""
        listening = (
            f"{endpoint.label}/{replica}"
            for process in self.processes
            for endpoint in process.endpoints
            for replica in range(1, process.places + 1)
        )
        names = chain(listening, (edge.name for edge in self.edges))
        return {name: offset for offset, name in enumerate(names)}

    def __getitem__(self, name: str) -> Process:
        return self._by_name[name]

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    @cached_property
    def faults(self) -> frozenset[str]:
        """Processes that are there for faults only: the fault proxy, and what is declared to start after it."""
        proxies = {process.name for process in self.processes if process.kind is Kind.FAULTPROXY}
        return frozenset(p.name for p in self.processes if p.name in proxies or proxies & set(p.starts_after))

    def needs(self, process: Process) -> tuple[str, ...]:
        """What must be ready before a process is started: what it declares, and the proxies on all its edges."""
        if process.kind is Kind.FAULTPROXY:
            return process.starts_after
        proxies = (p.name for p in self.processes if p.kind is Kind.FAULTPROXY and p.name not in process.starts_after)
        return (*proxies, *process.starts_after)

    def owner(self, label: str) -> Process:
        """The process that listens on `label`; `KeyError` if none does."""
        return self._owners[label]

    def port(self, base: int, label: str, replica: int = 1) -> int:
        """Port on which a replica listens for `label`."""
        return base + self._ports[f"{label}/{replica}"]

    def proxy_port(self, base: int, edge: Edge) -> int:
        """Port of the fault proxy of an edge."""
        return base + self._ports[edge.name]

    @staticmethod
    def manager_port(base: int) -> int:
        """Port of the process manager, which is no part of the platform: the last of the block."""
        return base + BLOCK - 1

    def listening(self, process: Process, base: int, replica: int) -> dict[str, int]:
        """Every port a replica listens on, by label."""
        return {e.label: self.port(base, e.label, replica) for e in process.endpoints}

    def edges_of(self, process: str) -> tuple[Edge, ...]:
        """The edges on which `process` is the client."""
        return tuple(edge for edge in self.edges if edge.process == process)

    def edge(self, name: str) -> Edge:
        """The edge called `name`; `->` is as good as `→`."""
        wanted = name.replace("->", "→").replace(" ", "")
        for edge in self.edges:
            if edge.name == wanted:
                return edge
        raise KeyError(name)

    def layers(self, names: set[str] | None = None) -> list[list[Process]]:
        """Start order: each layer needs only the layers before it; the processes within one start together."""
        left = [p for p in self.processes if names is None or p.name in names]
        present = {p.name for p in left}
        done: set[str] = set()
        layers: list[list[Process]] = []
        while left:
            layer = [p for p in left if set(self.needs(p)) & present <= done]
            if not layer:
                raise ValueError(f"processes wait for each other: {', '.join(p.name for p in left)}")
            layers.append(layer)
            done |= {p.name for p in layer}
            left = [p for p in left if p.name not in done]
        return layers
