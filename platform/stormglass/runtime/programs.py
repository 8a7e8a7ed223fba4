"""The command line of each process. Nothing secret stands in one: everybody can read them."""

import sys
from pathlib import Path

from stormglass.runtime import servers
from stormglass.runtime.instance import HOST, Instance
from stormglass.topology import Kind, Process

METRICS_RETENTION = ("6h", "256MB")
"""What Prometheus keeps: an afternoon of a demonstration, never more than this on disk."""


def command(instance: Instance, process: Process, number: int = 1) -> list[str]:
    """Program and arguments; `RuntimeFailure` if the server is not installed."""
    match process.kind:
        case Kind.APP | Kind.PROGRAM:
            return _ours(process, number)
        case Kind.POSTGRES:
            return [str(servers.postgres(instance.root) / "postgres"), "-D", str(instance.data / process.name)]
        case Kind.REDIS:
            return [str(servers.valkey()), str(instance.config / "valkey.conf")]
        case Kind.TRAEFIK:
            return [str(servers.traefik()), f"--configFile={instance.config / 'traefik.yml'}"]
        case Kind.FAULTPROXY:
            return _faultproxy(instance, process)
        case Kind.PROMETHEUS:
            return _prometheus(instance, servers.prometheus() or Path("prometheus"))


def _ours(process: Process, number: int) -> list[str]:
    module = ["stormglass.service", process.target] if process.kind is Kind.APP else [process.target]
    return [sys.executable, "-P", "-m", "stormglass.runtime.entry", process.replica_name(number), *module]


def _faultproxy(instance: Instance, process: Process) -> list[str]:
    """Both servers have the same flags, and both raise their limit of open files to the hard one by themselves."""
    real = servers.faultproxy()
    return [
        *([str(real)] if real else [sys.executable, "-P", "-m", process.target]),
        "-host",
        HOST,
        "-port",
        str(instance.port(process.endpoints[0].label)),
        "-config",
        str(instance.config / "faultproxy.json"),
        "-proxy-metrics",
        "-runtime-metrics",
    ]


def _prometheus(instance: Instance, program: Path) -> list[str]:
    time, size = METRICS_RETENTION
    return [
        str(program),
        f"--config.file={instance.config / 'prometheus.yml'}",
        f"--storage.tsdb.path={instance.data / 'prometheus'}",
        f"--storage.tsdb.retention.time={time}",
        f"--storage.tsdb.retention.size={size}",
        f"--web.listen-address={HOST}:{instance.port('prometheus')}",
        "--enable-feature=exemplar-storage",
        "--log.format=json",
    ]


def available(process: Process) -> bool:
    """Whether an optional server is there to be started."""
    return process.kind is not Kind.PROMETHEUS or servers.prometheus() is not None
