"""Which block of ports an instance gets, and who holds a port that is taken."""

import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil

from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import DEFAULT_NAME, Instance, recorded
from stormglass.runtime.network import HOST
from stormglass.topology import BLOCK, TOPOLOGY

FIRST = 18000
LAST = 32000
"""Ports above are handed out by the kernel to clients (Linux' default range begins at 32768)."""

PASSING = range(26000, 32768)
"""For servers that live for a moment (a test's, a benchmark's). Instances count upwards from `FIRST`, far below."""

_from_somewhere = os.getpid() % len(PASSING)  # two runs side by side do not meet
_passing: Iterator[int] = itertools.cycle([*PASSING[_from_somewhere:], *PASSING[:_from_somewhere]])


def free_port() -> int:
    """A port for a passing server on which nobody listens now; none is given twice before all were.

    Raises:
        RuntimeFailure: all are taken.
    """
    for port in itertools.islice(_passing, len(PASSING)):
        if free(port):
            return port
    raise RuntimeFailure(f"every port from {PASSING.start} to {PASSING.stop - 1} is taken")


def free(port: int) -> bool:
    """Whether the port can be bound on the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # as our servers do, or a port whose last connection ended a minute ago would count as taken
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def used_by(base: int) -> list[int]:
    """Every port an instance may listen on, with all its replicas, fault proxies and the manager."""
    listening = [
        port
        for process in TOPOLOGY.processes
        for replica in range(1, process.places + 1)
        for port in TOPOLOGY.listening(process, base, replica).values()
    ]
    proxies = [TOPOLOGY.proxy_port(base, edge) for edge in TOPOLOGY.edges]
    return [*listening, *proxies, TOPOLOGY.manager_port(base)]


def choose_base(name: str, root: Path) -> int:
    """Base port of a new instance: `demo` has its own; others get the first free block that nobody was given."""
    if name == DEFAULT_NAME:
        return FIRST
    given = [other.base_port for other in recorded(root)]
    for base in range(FIRST + BLOCK, LAST, BLOCK):
        if any(abs(base - other) < BLOCK for other in given):
            continue
        if all(free(port) for port in used_by(base)):
            return base
    raise RuntimeFailure(f"no block of {BLOCK} free ports between {FIRST + BLOCK} and {LAST}: give one by --base-port")


def holder(port: int) -> str:
    """Who listens on a port, as far as this user may know: `process 123 (nginx -g daemon off;)`."""
    try:
        listening = [
            connection
            for connection in psutil.net_connections(kind="tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        ]
    except psutil.AccessDenied:  # macOS tells only root about others
        return "a process this user may not see"
    for connection in listening:
        if connection.pid:
            return _describe(connection.pid)
    return "a process of another user" if listening else "a process that does not listen any more"


def _describe(pid: int) -> str:
    try:
        command = " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        command = "of another user"
    return f"process {pid} ({command[:120]})"


def check_free(instance: Instance, ports: dict[str, int]) -> None:
    """`RuntimeFailure` that names every taken port (given by what wants it) with its holder."""
    taken = [
        f"port {port}, wanted by {name}, is held by {holder(port)}" for name, port in ports.items() if not free(port)
    ]
    if taken:
        raise RuntimeFailure(
            "; ".join(taken) + f". Stop that process, or move this instance: `stormglass down` and then"
            f" `stormglass up --instance {instance.name} --base-port N`"
        )
