"""Processes of an instance that no manager looks after any more, told by the marker in their environment.

The marker is the instance's own directory, set by us when the process was started: neither a recycled process id nor a
namesake of somebody else's can carry it.
"""

import contextlib
import os
import signal
import time

import psutil

from stormglass.runtime.environment import MARKER
from stormglass.runtime.instance import Instance
from stormglass.topology import Topology

GRACE_SECONDS = 10.0
"""For each layer, between asking and SIGKILL."""


def find(instance: Instance) -> list[psutil.Process]:
    """Every live process that was started for this instance, but not this one nor those it descends from."""
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in psutil.process_iter() if process.pid not in ours and _marked(process, instance)]


def _marked(process: psutil.Process, instance: Instance) -> bool:
    return _environment(process).get(MARKER) == str(instance.directory)


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except (psutil.Error, OSError):  # ended meanwhile, or another user's
        return {}


def end(instance: Instance) -> list[str]:
    """End them as `down` would: the manager first, then layer by layer; names of what was ended."""
    ended: list[str] = []
    while groups := _by_name(find(instance)):
        name = next(iter(sorted(groups, key=lambda name: _rank(instance.topology, name), reverse=True)))
        layer = [
            process
            for other, members in groups.items()
            if _rank(instance.topology, other) == _rank(instance.topology, name)
            for process in members
        ]
        ended += [other for other in groups if _rank(instance.topology, other) == _rank(instance.topology, name)]
        _end(layer, kill=name == "manager", postgres=groups.get("postgres", []))
    return ended


def _by_name(processes: list[psutil.Process]) -> dict[str, list[psutil.Process]]:
    groups: dict[str, list[psutil.Process]] = {}
    for process in processes:
        groups.setdefault(_environment(process).get("STORMGLASS_SERVICE", ""), []).append(process)
    return groups


def _rank(topology: Topology, name: str) -> int:
    """Its layer; the manager stands above all, or it would start again what is ended."""
    layers = topology.layers()
    if name == "manager":
        return len(layers)
    return next((depth for depth, layer in enumerate(layers) if name in {p.name for p in layer}), 0)


def _end(processes: list[psutil.Process], *, kill: bool, postgres: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if kill:
                process.kill()
            else:
                # Postgres calls SIGTERM "wait until every client has gone"
                process.send_signal(signal.SIGINT if process in postgres else signal.SIGTERM)
                process.send_signal(signal.SIGCONT)  # one that was frozen by an experiment hears nothing else
    for process in _still_there(processes, GRACE_SECONDS):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _still_there(processes, GRACE_SECONDS)


def _still_there(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until they have ended; which have not. A zombie has: in a container nobody may ever reap an orphan."""
    until = time.monotonic() + seconds
    while (left := [process for process in processes if _lives(process)]) and time.monotonic() < until:
        time.sleep(0.05)
    return left


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
