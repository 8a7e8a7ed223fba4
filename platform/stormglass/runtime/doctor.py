"""Is this machine fit to run the platform, and is anything left over? Each finding says what to do."""

import os
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from stormglass.runtime import keys, leftovers, ports, servers
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance, exists, load, state_root
from stormglass.runtime.manager import Manager
from stormglass.runtime.optional import OPTIONAL
from stormglass.topology import TOPOLOGY

DISK_GIB = 1
MEMORY_GIB = 1.5
DESCRIPTORS = 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `advice` is empty when it is well. An optional one does not fail the whole."""

    subject: str
    ok: bool
    detail: str
    advice: str = ""
    optional: bool = False


def examine(name: str) -> list[Finding]:
    """Look at everything."""
    root = state_root()
    findings = [_python(), *_servers(), *_state(root), _memory(), _descriptors()]
    return [*findings, *(_instance(load(name, root)) if exists(name, root) else _ports(ports.choose_base(name, root)))]


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    good = sys.version_info >= (3, 11)
    return Finding("Python", good, f"{version} at {sys.executable}", "" if good else "use Python 3.11 or newer")


def _servers() -> Iterator[Finding]:
    programs: tuple[tuple[str, Callable[[], Path], str], ...] = (
        ("PostgreSQL", lambda: servers.install_postgres(state_root()) / "postgres", "--version"),
        ("Valkey", servers.valkey, "--version"),
        ("Traefik", servers.traefik, "version"),
    )
    for subject, find, argument in programs:
        try:
            done = subprocess.run([find(), argument], capture_output=True, text=True, timeout=20, check=True)  # noqa: S603 - programs out of the wheels
        except (RuntimeFailure, OSError, subprocess.SubprocessError) as error:
            yield Finding(subject, ok=False, detail=str(error), advice="run `make setup` again")
        else:
            yield Finding(subject, ok=True, detail=" ".join(done.stdout.split()[:4]))
    yield _faultproxy()
    for server in OPTIONAL.values():
        found = server.find()
        yield Finding(
            server.title,
            ok=found is not None,
            detail=str(found or f"not on PATH: {server.without}"),
            advice="" if found else server.advice,
            optional=True,
        )


def _faultproxy() -> Finding:
    try:
        real = servers.faultproxy()
    except RuntimeFailure as error:
        return Finding("fault proxy", ok=False, detail=str(error), advice="set STORMGLASS_FAULTPROXY as it says")
    detail = str(real or "our own, chaos.faultproxy: there is no toxiproxy-server on PATH")
    return Finding("fault proxy", ok=True, detail=detail)


def _state(root: Path) -> Iterator[Finding]:
    existing = next(directory for directory in (root, *root.parents) if directory.is_dir())
    writable = os.access(existing, os.W_OK)
    yield Finding("state", writable, str(root), "" if writable else "set STORMGLASS_HOME to a directory of yours")
    free = shutil.disk_usage(existing).free / 2**30
    yield Finding("disk", free >= DISK_GIB, f"{free:.1f} GiB free", "" if free >= DISK_GIB else "free some space")
    try:
        user = servers.database_user()
    except RuntimeFailure as error:
        yield Finding("user", ok=False, detail=str(error), advice="useradd --system postgres")
        return
    closed = [d for d in (existing, *existing.parents) if user and not d.stat().st_mode & 0o001]
    yield Finding(
        "user",
        ok=not closed,
        detail=f"root; PostgreSQL runs as {user}" if user else f"uid {os.geteuid()}",
        advice=f"{closed[0]} must be passable for {user}: set STORMGLASS_HOME elsewhere" if closed else "",
    )


def _memory() -> Finding:
    available = psutil.virtual_memory().available / 2**30
    good = available >= MEMORY_GIB
    return Finding("memory", good, f"{available:.1f} GiB available", "" if good else "end something that is large")


def _descriptors() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    good = soft >= DESCRIPTORS or soft == resource.RLIM_INFINITY
    return Finding("open files", good, f"limit {soft}", "" if good else f"ulimit -n {DESCRIPTORS}")


def _instance(instance: Instance) -> Iterator[Finding]:
    yield _keys(instance)
    if Manager(instance).alive():
        yield Finding("instance", ok=True, detail=f"{instance.name} is running at port {instance.base_port}")
        return
    left = [f"{process.pid} ({process.name()})" for process in leftovers.find(instance)]
    yield Finding(
        "leftovers",
        ok=not left,
        detail=", ".join(left) or "none",
        advice="`stormglass up` or `stormglass down` ends them" if left else "",
    )
    if not left:
        yield from _ports(instance.base_port)


def _keys(instance: Instance) -> Finding:
    try:
        ring = keys.ring(instance)
    except RuntimeFailure as error:
        return Finding("signing keys", ok=False, detail=str(error), advice="log-ins go on with the keys of before")
    now = time.time()
    counts = Counter(ring.state(key, now).value for key in ring.keys)
    return Finding("signing keys", ok=True, detail=", ".join(f"{count} {state}" for state, count in counts.items()))


def _ports(base: int) -> Iterator[Finding]:
    taken = [f"{port}: {ports.holder(port)}" for port in ports.used_by(base) if not ports.free(port)]
    yield Finding(
        "ports",
        ok=not taken,
        detail="; ".join(taken) or f"{base} to {TOPOLOGY.manager_port(base)} are free",
        advice="stop what holds them, or give another --base-port" if taken else "",
    )
