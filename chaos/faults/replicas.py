"""Replicas as faults see them: which run, what the manager knows of them, and waiting until one is ready again."""

import asyncio
import time
from collections.abc import Mapping

from chaos.engine.context import Context
from chaos.engine.model import Refused
from stormglass.runtime import names, probe, wanted
from stormglass.runtime.instance import Instance, lock_path
from stormglass.runtime.lock import locked
from stormglass.runtime.manager import Info, Manager
from stormglass.runtime.progress import Step
from stormglass.runtime.shutdown import stop_replicas
from stormglass.topology import Kind, Process

PROTECTED: Mapping[str, str] = {
    "faults": "it is what takes every fault back when its time is up",
    "faultproxy": "it carries every connection of the platform, and the faults on them; break an edge instead",
}
"""Processes that no fault may touch, and why."""

READY_SECONDS = 20.0
"""For one undo; whoever calls it tries again."""

LOCK_SECONDS = 5.0
POLL_SECONDS = 0.1


def running(context: Context) -> list[str]:
    """The replicas that are meant to run and may be touched."""
    return [
        process.replica_name(number) for process, number in _meant(context.instance) if process.name not in PROTECTED
    ]


def programs(context: Context) -> list[str]:
    """The replicas among them that run a program of ours."""
    return [
        process.replica_name(number)
        for process, number in _meant(context.instance)
        if process.kind in {Kind.APP, Kind.PROGRAM} and process.name not in PROTECTED
    ]


def applications(context: Context) -> list[str]:
    """The replicas among them that serve requests with a framework of ours."""
    return [
        process.replica_name(number)
        for process, number in _meant(context.instance)
        if process.kind is Kind.APP and process.scalable
    ]


def scalable(context: Context) -> list[str]:
    """The processes that run and can have several replicas."""
    return sorted({process.name for process, _ in _meant(context.instance) if process.scalable})


def _meant(instance: Instance) -> list[tuple[Process, int]]:
    names_meant = wanted.read(instance)
    return [(process, number) for process, number in instance.places() if process.name in names_meant]


def is_meant_to_run(context: Context, name: str) -> bool:
    """Whether the replica (or the process) is still meant to be up: if not, there is nothing to be restored."""
    return any(name in {process.name, process.replica_name(number)} for process, number in _meant(context.instance))


def place(context: Context, name: str) -> tuple[Process, int]:
    """The process and the number of a replica."""
    return names.replicas(context.instance, name)[0]


async def info(context: Context, name: str) -> Info:
    """What the manager knows of a replica."""
    return await asyncio.to_thread(context.manager.info, name)


async def running_info(context: Context, name: str) -> Info:
    """The same; `Refused` if it does not run now."""
    found = await info(context, name)
    if not found.pid:
        raise Refused(f"{name} does not run now (the manager says {found.state}): `stormglass status` tells more")
    return found


async def ready_again(context: Context, name: str, seconds: float = READY_SECONDS) -> None:
    """Wait until a replica answers that it is ready; one that the manager has given up on is started again.

    Returns at once for one that is no longer meant to run. `RuntimeError` if it is not ready within `seconds`.
    """
    until = time.monotonic() + seconds
    while is_meant_to_run(context, name):
        found = await info(context, name)
        if found.state in {"FATAL", "EXITED", "STOPPED"}:
            await asyncio.to_thread(context.manager.start_process, name)
        answer = await probe.ask(context.instance, *place(context, name))
        if answer.ready and found.pid:
            return
        if time.monotonic() > until:
            raise RuntimeError(f"{name} is not ready yet: {answer.reason or found.description}")
        await asyncio.sleep(POLL_SECONDS)


async def start_again(context: Context, name: str) -> None:
    """Stop a replica as `restart` does, with its drain, and start it; does not wait until it is ready."""
    await asyncio.to_thread(_start_again, context.instance, name)


def _start_again(instance: Instance, name: str) -> None:
    manager = Manager(instance)
    with locked(lock_path(instance.name), wait_seconds=LOCK_SECONDS):
        stop_replicas(instance, manager, {name}, quiet)
        manager.start_process(name)


def quiet(step: Step) -> None:
    """A report for nobody: the fault's own record tells what happened."""
