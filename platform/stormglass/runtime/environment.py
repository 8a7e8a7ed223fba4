"""The environment of each process: a pure function of topology, instance and replica."""

import os

from stormglass.runtime import entry, servers
from stormglass.runtime.instance import Instance
from stormglass.topology import Kind, Process

MARKER = entry.DIRECTORY
"""Every process of an instance carries the instance's directory here: that is how leftovers are told apart."""

SAMPLING = "STORMGLASS_TELEMETRY_SAMPLE_RATIO"
"""Variable with the share of new traces that is exported whole; `up` takes it too, and the instance remembers it."""

OWN = (
    "STORMGLASS_SERVICE",
    "STORMGLASS_REPLICA",
    "STORMGLASS_INSTANCE",
    "STORMGLASS_HOST",
    "STORMGLASS_PORT",
    "STORMGLASS_ADMIN_PORT",
    "STORMGLASS_DRAIN_SECONDS",
    "STORMGLASS_SECRETS_DIR",
    MARKER,
)


def address_variable(label: str) -> str:
    """Name of the variable that holds an edge's address (the same rule as in `stormglass.settings`)."""
    return "STORMGLASS_ADDRESS_" + label.replace("-", "_").replace(":", "_").upper()


def environment(instance: Instance, process: Process, number: int) -> dict[str, str]:
    """What a replica is told; a real server only learns which instance it belongs to."""
    base = {
        MARKER: str(instance.directory),
        "STORMGLASS_HOME": str(instance.root),
        "STORMGLASS_INSTANCE": instance.name,
        "STORMGLASS_SERVICE": process.name,
        "STORMGLASS_REPLICA": str(number),
        **instance.variables,
    }
    if process.kind is Kind.FAULTPROXY and servers.faultproxy():
        # otherwise it says of every connection that it ended, health checks included
        return {**base, "LOG_LEVEL": "error"}
    if any(edge.label == "traces" for edge in instance.topology.edges_of(process.name)):
        # Traefik reads its own file, but is restarted with the others when this changes
        base[SAMPLING] = f"{instance.sample_ratio:g}"
    if process.kind is Kind.POSTGRES_EXPORTER:
        return {**base, **_postgres_exporter(instance, process)}
    if process.kind not in {Kind.APP, Kind.PROGRAM}:
        return base
    traffic = _traffic_label(process)
    addresses = {
        address_variable(edge.label): instance.edge_address(edge)
        for edge in instance.topology.edges_of(process.name)
        if not edge.each_replica
    }
    return {
        **base,
        "STORMGLASS_HOST": instance.network.listen_host,
        "STORMGLASS_PORT": str(instance.port(traffic, number)) if traffic else "0",
        "STORMGLASS_ADMIN_PORT": str(instance.port(f"{process.name}:admin", number)),
        "STORMGLASS_DRAIN_SECONDS": f"{process.drain_seconds:g}",
        "STORMGLASS_SECRETS_DIR": str(instance.secrets / process.name),
        **addresses,
        **_extras(instance, process),
    }


def _postgres_exporter(instance: Instance, process: Process) -> dict[str, str]:
    """Its own names; the password stays in its file."""
    (edge,) = instance.topology.edges_of(process.name)
    return {
        "DATA_SOURCE_URI": f"{instance.edge_address(edge)}/postgres?sslmode=disable",
        "DATA_SOURCE_USER": process.name,
        "DATA_SOURCE_PASS_FILE": str(instance.secrets / process.name / "database_password"),
    }


def _traffic_label(process: Process) -> str:
    labels = [e.label for e in process.endpoints if e.protocol == "http" and not e.label.endswith(":admin")]
    return labels[0] if labels else ""


def _extras(instance: Instance, process: Process) -> dict[str, str]:
    """What only one process needs: files it keeps, sockets that are no HTTP server."""
    data = instance.data / process.name
    if process.name == "traces":
        return {"STORMGLASS_TRACES_DATABASE": str(data / "traces.db")}
    if process.name == "mail":
        return {
            "STORMGLASS_MAIL_DATABASE": str(data / "mail.db"),
            "STORMGLASS_MAIL_SMTP_HOST": instance.network.listen_host,
            "STORMGLASS_MAIL_SMTP_PORT": str(instance.port("mail")),
        }
    return {}


def inherited() -> dict[str, str]:
    """What the manager passes on from whoever ran `up`: the user's settings, but nothing of another process of ours."""
    own = set(OWN)
    return {
        name: value
        for name, value in os.environ.items()
        if name not in own and not name.startswith(("STORMGLASS_ADDRESS_", "SUPERVISOR_"))
    }
