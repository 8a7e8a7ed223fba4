"""The state of every replica of an instance, asked of the manager, of the kernel and of the replica itself."""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass
from importlib import import_module

from stormglass.runtime import memory, probe, wanted
from stormglass.runtime.instance import Instance
from stormglass.runtime.logfiles import with_rotated
from stormglass.runtime.manager import Info, Manager
from stormglass.topology import Process

MANAGER = "manager"


@dataclass(frozen=True, slots=True)
class Row:
    """One replica. `memory_bytes` includes the processes it started itself; `port` is its first endpoint's.

    `canary` is the share of its process' requests, in percent, where it was given one of its own.
    """

    process: str
    replica: str
    state: str
    ready: bool
    reason: str
    port: int
    pid: int
    restarts: int
    uptime_seconds: float
    memory_bytes: int
    version: str
    canary: int | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """An instance: `state` is `up`, `degraded` (something that should be ready is not) or `down`."""

    instance: str
    state: str
    base_port: int
    rows: list[Row]

    @property
    def memory_bytes(self) -> int:
        """Of all processes together, the manager included."""
        return sum(row.memory_bytes for row in self.rows)


def status(instance: Instance) -> Status:
    """Ask everything once; takes as long as the slowest answer, at most `probe.SECONDS`."""
    if not instance.managed:
        return _seen_from_inside(instance)
    manager = Manager(instance)
    if not manager.alive():
        return Status(instance.name, "down", instance.base_port, [])
    infos = manager.infos()
    meant = wanted.read(instance)
    places = [(process, number) for process, number in instance.places() if process.name in meant]
    answers = asyncio.run(_ask(instance, places))
    ends = restarts(instance)
    rows = [
        _row(instance, process, number, infos[process.replica_name(number)], answer, ends)
        for (process, number), answer in zip(places, answers, strict=True)
    ]
    state = "up" if all(row.ready for row in rows) else "degraded"
    return Status(instance.name, state, instance.base_port, [*rows, _manager_row(instance, manager)])


def _seen_from_inside(instance: Instance) -> Status:
    """Readiness alone: what the engine knows of its containers, it tells nobody in them.

    What the platform can do without may have been left out, as natively what is not installed is not meant to run.
    """
    places = list(instance.places())
    answers = asyncio.run(_ask(instance, places))
    rows = [
        Row(
            process=process.name,
            replica=process.replica_name(number),
            state="running" if answer.ready else "unknown",
            ready=answer.ready,
            reason=answer.reason,
            port=instance.port(process.endpoints[0].label, number),
            pid=0,
            restarts=0,
            uptime_seconds=0.0,
            memory_bytes=0,
            version=answer.version,
        )
        for (process, number), answer in zip(places, answers, strict=True)
    ]
    rows = [row for row in rows if row.ready or not instance.topology[row.process].optional]
    return Status(instance.name, "up" if all(row.ready for row in rows) else "degraded", 0, rows)


async def _ask(instance: Instance, places: list[tuple[Process, int]]) -> list[probe.Readiness]:
    # before any limit begins to run: an import in between would keep the loop, and with it every answer, waiting
    import_module("redis.asyncio")
    import_module("stormglass.runtime.provision")
    return await asyncio.gather(*(probe.ask(instance, process, number) for process, number in places))


def _row(
    instance: Instance, process: Process, number: int, info: Info, answer: probe.Readiness, ends: Counter[str]
) -> Row:
    return Row(
        process=process.name,
        replica=info.name,
        state=info.state.lower(),
        ready=answer.ready and info.pid > 0,
        reason=answer.reason if info.pid else info.description,
        port=instance.port(process.endpoints[0].label, number),
        pid=info.pid,
        restarts=ends[info.name],
        uptime_seconds=info.uptime_seconds,
        memory_bytes=memory.used(info.pid) if info.pid else 0,
        version=answer.version,
        canary=instance.canaries.get(info.name),
    )


def _manager_row(instance: Instance, manager: Manager) -> Row:
    import time
    from importlib.metadata import version

    import psutil

    pid = manager.pid()
    process = psutil.Process(pid)
    return Row(
        process=MANAGER,
        replica=MANAGER,
        state="running",
        ready=True,
        reason="",
        port=instance.manager_port,
        pid=pid,
        restarts=0,
        uptime_seconds=time.time() - process.create_time(),
        memory_bytes=memory.alone(pid),
        version=f"supervisor {version('supervisor')}",
    )


def restarts(instance: Instance) -> Counter[str]:
    """How often each replica ended without being told to, since the manager started: its log has a line for each."""
    counts: Counter[str] = Counter()
    for path in with_rotated(instance.log(MANAGER)):
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if "supervisord started with pid" in line:
                    counts.clear()
                elif found := re.search(r" exited: (\S+) \(", line):
                    counts[found[1]] += 1
    return counts
