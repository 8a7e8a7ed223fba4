"""The instance as seen from inside its containers."""

from dataclasses import dataclass, replace
from pathlib import Path

from stormglass.graph import Kind, Process, Topology
from stormglass.runtime.instance import Instance
from stormglass.runtime.network import Containers, Network
from stormglass.topology import TOPOLOGY

NATIVE_ONLY = {
    "keeper": "it watches the native process manager; containers are watched by their engine",
}
"""Processes that have no container, and why."""

UNSERVED = {
    "keeper:admin": "there is no keeper",
    "mail:admin": "the mail server is Mailpit, which has no metrics of ours",
}
"""Endpoints that nobody listens on in containers, and why."""

USUAL_SERVERS = {"mail": Kind.MAILPIT, "traces": Kind.TEMPO}
"""Natively these are programs of ours that speak the API of the usual server; in containers it is that server."""


def _contained(process: Process) -> Process:
    return replace(
        process,
        kind=USUAL_SERVERS.get(process.name, process.kind),
        uses=tuple(use for use in process.uses if use.label not in UNSERVED),
        endpoints=tuple(endpoint for endpoint in process.endpoints if endpoint.label not in UNSERVED),
    )


CONTAINED = Topology(
    clients=TOPOLOGY.clients,
    processes=tuple(_contained(process) for process in TOPOLOGY.processes if process.name not in NATIVE_ONLY),
)
"""The topology without what exists natively only."""


@dataclass(frozen=True)
class ContainedInstance(Instance):
    """Everything is where the compose files mount it; nothing is recorded, nothing here starts a process."""

    @property
    def network(self) -> Network:
        """Containers by name."""
        return Containers(self.topology)

    @property
    def managed(self) -> bool:
        """The engine starts and ends processes, and cannot be reached from inside."""
        return False

    @property
    def directory(self) -> Path:
        """What a container of ours may write, if anything."""
        return Path("/var/lib/stormglass")

    @property
    def config(self) -> Path:
        """The files of `stormglass.containers.files`, mounted read-only."""
        return Path("/etc/stormglass")

    @property
    def data(self) -> Path:
        """What is kept."""
        return self.directory

    @property
    def secrets(self) -> Path:
        """One volume per service, of which each container is given its own."""
        return Path("/run/secrets")

    @property
    def variables(self) -> dict[str, str]:
        """Their lines go to the Collector as well, for nobody may read the engine's log files."""
        return {"STORMGLASS_NETWORK": "containers", "STORMGLASS_TELEMETRY_LOGS": "otlp"}

    def save(self) -> None:
        """There is nothing to be recorded."""


def contained() -> ContainedInstance:
    """The one instance that there is inside."""
    return ContainedInstance(name="compose", root=Path("/var/lib/stormglass"), base_port=0, topology=CONTAINED)
