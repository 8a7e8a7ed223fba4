"""An instance of the platform: its name, its directories, its ports, its replicas, its secrets, its addresses.

<state root>/instances/<name>/
    instance.json   base port, replicas, canaries, share of traces, whether the edges lead past the fault proxies
    config/         rendered configuration, 0700
    secrets/        one directory per service, one file per secret, 0700
    data/           what the servers keep
    logs/           one file per process, 0700
    run/            pid file, the marker that says which processes are meant to be up, 0700
"""

import hashlib
import json
import os
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.files import private_directory, write_private
from stormglass.runtime.network import HostPort, Loopback, Network
from stormglass.topology import TOPOLOGY, Edge, Process, Topology

DEFAULT_NAME = "demo"

NETWORK = "STORMGLASS_NETWORK"
"""Variable that says `containers` inside of them."""


@dataclass(frozen=True)
class Instance:
    """One instance as it is recorded on disk."""

    name: str
    root: Path
    base_port: int
    replicas: Mapping[str, int] = field(default_factory=dict)
    direct: bool = False
    canaries: Mapping[str, int] = field(default_factory=dict)
    """Percent of a process' requests that one of its replicas gets, by the replica's name; at most one a process."""
    sample_ratio: float = 1.0
    """Share of new traces that is exported whole."""
    topology: Topology = TOPOLOGY

    @property
    def network(self) -> Network:
        """Where its endpoints are."""
        return Loopback(self.topology, self.base_port)

    @property
    def managed(self) -> bool:
        """Whether a process manager of ours starts and ends its processes."""
        return True

    @property
    def variables(self) -> dict[str, str]:
        """What every process is told beyond what follows from the topology."""
        return {}

    @property
    def directory(self) -> Path:
        """Everything this instance owns."""
        return self.root / "instances" / self.name

    @property
    def config(self) -> Path:
        """Rendered configuration."""
        return self.directory / "config"

    @property
    def data(self) -> Path:
        """What the servers keep."""
        return self.directory / "data"

    @property
    def logs(self) -> Path:
        """One log file per replica."""
        return self.directory / "logs"

    @property
    def run(self) -> Path:
        """Pid file and marker of the running instance."""
        return self.directory / "run"

    @property
    def secrets(self) -> Path:
        """One directory per service, one file per secret."""
        return self.directory / "secrets"

    def log(self, replica_name: str) -> Path:
        """The log of one replica."""
        return self.logs / f"{replica_name}.log"

    def secret(self, service: str, name: str) -> str:
        """A secret of a service; `RuntimeFailure` if the instance has none such yet."""
        try:
            return (self.secrets / service / name).read_text(encoding="utf-8").strip()
        except FileNotFoundError as error:
            raise RuntimeFailure(f"instance {self.name} has no secret {service}/{name}") from error

    def replicas_of(self, process: Process) -> int:
        """How many replicas are meant to run; none of what serves faults in a direct instance."""
        if self.direct and process.name in self.topology.faults:
            return 0
        return self.replicas.get(process.name, process.replicas)

    def places(self) -> Iterator[tuple[Process, int]]:
        """Every process and replica that is meant to run, in the topology's order."""
        for process in self.topology.processes:
            for number in range(1, self.replicas_of(process) + 1):
                yield process, number

    def port(self, label: str, number: int = 1) -> int:
        """Port on which a replica listens for `label`."""
        return self.network.endpoint(label, number)[1]

    def endpoint(self, label: str, number: int = 1) -> HostPort:
        """Host and port of what listens on `label`, as the command line addresses it: past every fault proxy."""
        return self.network.endpoint(label, number)

    def address(self, label: str, number: int = 1) -> str:
        """The same as `host:port`."""
        return "{}:{}".format(*self.endpoint(label, number))

    def listen_address(self, label: str, number: int = 1) -> str:
        """`host:port` that a replica binds for `label`."""
        return f"{self.network.listen_host}:{self.port(label, number)}"

    def edge_endpoint(self, edge: Edge) -> HostPort:
        """Host and port at which the client of an edge reaches the server: the only place that decides this."""
        return self.network.upstream(edge) if self.direct else self.network.proxy(edge)

    def edge_address(self, edge: Edge) -> str:
        """The same as `host:port`."""
        return "{}:{}".format(*self.edge_endpoint(edge))

    def edges(self) -> list[Edge]:
        """The edges to replicas that are meant to run: each has a fault proxy unless the instance is direct."""
        topology = self.topology
        return [edge for edge in topology.edges if edge.replica <= self.replicas_of(topology.owner(edge.label))]

    @property
    def manager_port(self) -> int:
        """Port of the process manager's RPC interface."""
        return self.topology.manager_port(self.base_port)

    def scaled(self, process: Process, count: int) -> "Instance":
        """The same instance with another number of replicas of one process."""
        gone = {process.replica_name(number) for number in range(count + 1, process.places + 1)}
        # one replica alone gets everything anyway
        gone |= {process.replica_name(1)} if count == 1 else set()
        canaries = {name: percent for name, percent in self.canaries.items() if name not in gone}
        return replace(self, replicas={**self.replicas, process.name: count}, canaries=canaries)

    def with_canary(self, process: Process, number: int | None, percent: int = 0) -> "Instance":
        """The same instance with this share of the requests for one replica of a process; without any for None."""
        own = {process.replica_name(place) for place in range(1, process.places + 1)}
        canaries = {name: share for name, share in self.canaries.items() if name not in own}
        if number is not None:
            canaries[process.replica_name(number)] = percent
        return replace(self, canaries=canaries)

    def save(self) -> None:
        """Record what `load` reads, and make the directories."""
        for shared in (self.root, self.root / "instances", self.directory, self.data):
            shared.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                # Postgres runs as another user then: it may pass through, but list nothing.
                shared.chmod(0o711)
        for own in (self.config, self.logs, self.run, self.secrets):
            private_directory(own)
        record = {
            "base_port": self.base_port,
            "replicas": dict(self.replicas),
            "direct": self.direct,
            "canaries": dict(self.canaries),
            "sample_ratio": self.sample_ratio,
        }
        write_private(self.directory / "instance.json", json.dumps(record, indent=2) + "\n")


def state_root() -> Path:
    """Where instances are kept: `STORMGLASS_HOME`, or beside the checkout, or for root where other users may pass."""
    given = os.environ.get("STORMGLASS_HOME")
    if given:
        return Path(given).expanduser().resolve()
    checkout = Path(__file__).resolve().parents[3]
    if os.geteuid() == 0:
        return Path("/var/lib/stormglass", hashlib.sha256(str(checkout).encode()).hexdigest()[:8])
    home = checkout if (checkout / "pyproject.toml").is_file() else Path.home()
    return home / ".stormglass"


def default_name() -> str:
    """The instance that is meant when none is named."""
    return os.environ.get("STORMGLASS_INSTANCE") or DEFAULT_NAME


def check_name(name: str) -> str:
    """The name itself; `RuntimeFailure` if it cannot be the name of a directory and a host label."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", name):
        raise RuntimeFailure(f"{name!r} cannot name an instance: use up to 32 of a-z, 0-9 and '-'")
    return name


def recorded(root: Path | None = None) -> list[Instance]:
    """Every instance of this state root, running or not."""
    root = root or state_root()
    names = sorted(path.parent.name for path in root.glob("instances/*/instance.json"))
    return [load(name, root) for name in names]


def exists(name: str, root: Path | None = None) -> bool:
    """Whether the instance was ever started."""
    return ((root or state_root()) / "instances" / check_name(name) / "instance.json").is_file()


def inside_a_container() -> bool:
    """Whether this process runs in a container of the platform: `STORMGLASS_NETWORK` says so."""
    return os.environ.get(NETWORK) == "containers"


def load(name: str | None = None, root: Path | None = None) -> Instance:
    """Read an instance; `RuntimeFailure` if it was never started or its record is damaged.

    Inside a container there is one, whatever its name.
    """
    if inside_a_container():
        from stormglass.containers.contained import contained

        return contained()
    name = check_name(name or default_name())
    root = root or state_root()
    path = root / "instances" / name / "instance.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Instance(
            name,
            root,
            int(record["base_port"]),
            dict(record["replicas"]),
            direct=bool(record.get("direct")),
            canaries=dict(record.get("canaries", {})),
            sample_ratio=float(record.get("sample_ratio", 1.0)),
        )
    except FileNotFoundError as error:
        raise RuntimeFailure(
            f"there is no instance {name!r} in {root}: start it with `stormglass up --instance {name}`"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise RuntimeFailure(f"{path} is damaged ({error}): `stormglass down --purge` starts afresh") from error


def address(instance_name: str | None, label: str) -> str:
    """`host:port` of an endpoint of an instance, for commands and tests."""
    return load(instance_name).address(label)


def lock_path(name: str) -> Path:
    """The lock that `up`, `down` and `scale` take; outside the directory, which `down --purge` removes."""
    return state_root() / "instances" / f"{check_name(name)}.lock"


def reachable(host_port: str, seconds: float = 0.5) -> bool:
    """Whether something accepts connections there."""
    host, _, port = host_port.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), seconds):
            return True
    except OSError:
        return False
