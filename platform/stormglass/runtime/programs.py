"""The command line of each process. Nothing secret stands in one: everybody can read them."""

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from stormglass.runtime import servers
from stormglass.runtime.instance import Instance
from stormglass.runtime.optional import OPTIONAL
from stormglass.topology import Kind, Process

METRICS_RETENTION = ("13h", "256MB")
"""What Prometheus keeps: the 12 hours over which the demo's error budgets are counted, never more than this on disk."""


def command(instance: Instance, process: Process, number: int = 1) -> list[str]:
    """Program and arguments; `RuntimeFailure` if the server is not installed."""
    if process.kind in OPTIONAL:
        server = OPTIONAL[process.kind]
        # its name where it is not there, for a line of the configuration that nobody will start
        return [str(server.find() or server.programs[0]), *_WATCHING[process.kind](instance)]
    match process.kind:
        case Kind.POSTGRES:
            return [str(servers.postgres(instance.root) / "postgres"), "-D", str(instance.data / process.name)]
        case Kind.REDIS:
            return [str(servers.valkey()), str(instance.config / "valkey.conf")]
        case Kind.TRAEFIK:
            return [str(servers.traefik()), f"--configFile={instance.config / 'traefik.yml'}"]
        case Kind.FAULTPROXY:
            return _faultproxy(instance, process)
        case _:
            return _ours(process, number)


def _ours(process: Process, number: int) -> list[str]:
    module = ["stormglass.service", process.target] if process.kind is Kind.APP else [process.target]
    return [sys.executable, "-P", "-m", "stormglass.runtime.entry", process.replica_name(number), *module]


def _faultproxy(instance: Instance, process: Process) -> list[str]:
    """Both servers have the same flags, and both raise their limit of open files to the hard one by themselves."""
    real = servers.faultproxy()
    return [
        *([str(real)] if real else [sys.executable, "-P", "-m", process.target]),
        "-host",
        instance.network.listen_host,
        "-port",
        str(instance.port(process.endpoints[0].label)),
        "-config",
        str(instance.config / "faultproxy.json"),
        "-proxy-metrics",
        "-runtime-metrics",
    ]


def _prometheus(instance: Instance) -> list[str]:
    time, size = METRICS_RETENTION
    return [
        f"--config.file={instance.config / 'prometheus.yml'}",
        f"--storage.tsdb.path={instance.data / 'prometheus'}",
        f"--storage.tsdb.retention.time={time}",
        f"--storage.tsdb.retention.size={size}",
        f"--web.listen-address={instance.listen_address('prometheus')}",
        "--enable-feature=exemplar-storage",
        "--log.format=json",
    ]


def _alertmanager(instance: Instance) -> list[str]:
    return [
        f"--config.file={instance.config / 'alertmanager.yml'}",
        f"--storage.path={instance.data / 'alertmanager'}",
        f"--web.listen-address={instance.listen_address('alertmanager')}",
        # one of a kind: nothing to gossip with, and no port for it
        "--cluster.listen-address=",
        "--log.format=json",
    ]


def _postgres_exporter(instance: Instance) -> list[str]:
    return [
        f"--web.listen-address={instance.listen_address('postgres-exporter')}",
        # its own set asks for columns that PostgreSQL 17 moved, and makes some hundred series that nobody looks at
        "--disable-default-metrics",
        "--disable-settings-metrics",
        *_without_collectors(),
        f"--extend.query-path={instance.config / 'postgres-queries.yml'}",
        "--log.format=json",
    ]


@cache
def _without_collectors() -> tuple[str, ...]:
    """The switches that turn its own collectors off; their names differ from version to version."""
    program = OPTIONAL[Kind.POSTGRES_EXPORTER].find()
    if program is None:
        return ()
    told = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603 - a server found on PATH
    names = re.findall(r"--(?:\[no-\])?collector\.([a-z_]+)", told.stdout + told.stderr)
    return tuple(f"--no-collector.{name}" for name in sorted(set(names)))


def _redis_exporter(instance: Instance) -> list[str]:
    return [
        f"--web.listen-address={instance.listen_address('redis-exporter')}",
        f"--redis.addr={redis_url(instance)}",
        f"--redis.password-file={instance.config / 'redis-passwords.json'}",
        "--include-system-metrics=false",
        "--log-format=json",
    ]


def redis_url(instance: Instance) -> str:
    """Where the Redis exporter finds Redis: over its own edge."""
    (edge,) = instance.topology.edges_of("redis-exporter")
    return f"redis://{instance.edge_address(edge)}"


_WATCHING: Mapping[Kind, Callable[[Instance], list[str]]] = {
    Kind.PROMETHEUS: _prometheus,
    Kind.ALERTMANAGER: _alertmanager,
    Kind.POSTGRES_EXPORTER: _postgres_exporter,
    Kind.REDIS_EXPORTER: _redis_exporter,
}


def directory(instance: Instance, process: Process) -> Path:
    """Where a process is run; Alertmanager as the set-up unpacked it looks for its templates from there."""
    if process.kind is Kind.ALERTMANAGER and (program := OPTIONAL[process.kind].find()):
        share = program.resolve().parent.parent / "share" / "prometheus"
        if (share / "alertmanager").is_dir():
            return share
    return instance.data


def available(process: Process) -> bool:
    """Whether a server that the platform can do without is there to be started."""
    return process.kind not in OPTIONAL or OPTIONAL[process.kind].find() is not None
