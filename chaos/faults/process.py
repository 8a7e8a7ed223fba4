"""Faults of processes: killed, restarted, fewer of them. What dies is started again by the manager."""

import asyncio
import signal
import time

import psutil

from chaos.engine.attributes import Attribute
from chaos.engine.context import Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record, Refused, Request
from chaos.faults import replicas
from stormglass.runtime import control

END_SECONDS = 20.0
"""Within which a process that was told to end is gone: a replica drains for 1.5 s, then finishes what it has."""

NOTICE_SECONDS = 2.0
"""Within which the manager has noticed; it looks once a second."""


class OfReplica(FaultKind):
    """What the faults of one replica have in common."""

    local = True
    forbidden = replicas.PROTECTED

    def targets(self, context: Context) -> list[str]:
        """Every replica that is meant to run."""
        return replicas.running(context)

    async def prepare(self, context: Context, request: Request) -> Record:
        """It has to run now; which process it is."""
        found = await replicas.running_info(context, request.target)
        return {"pid": found.pid, "created": psutil.Process(found.pid).create_time()}

    async def undo(self, context: Context, fault: Fault) -> None:
        """Nothing to take back: wait until it is ready again."""
        await replicas.ready_again(context, fault.target)


async def _is_gone(fault: Fault) -> float | None:
    """Seconds that it took from now until the recorded process was gone; None if it is still there."""
    begun = time.monotonic()
    while _is_there(fault):
        if time.monotonic() - begun > END_SECONDS:
            return None
        await asyncio.sleep(0.02)
    return time.monotonic() - begun


def _is_there(fault: Fault) -> bool:
    try:
        process = psutil.Process(int(fault.record["pid"]))
        return bool(process.create_time() == fault.record["created"] and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Kill(OfReplica):
    """A signal that ends a process."""

    name = "kill"
    summary = "is sent a signal that ends it, once; the manager starts it again"
    attributes = (
        Attribute("signal", "the signal", type=str, default="KILL", choices=("KILL", "TERM", "INT", "ABRT", "SEGV")),
    )

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Send it."""
        number = int(signal.Signals[f"SIG{fault.attributes['signal']}"])
        await asyncio.to_thread(context.manager.signal, fault.target, str(number))
        return {}

    async def bites(self, context: Context, fault: Fault) -> str:
        """The process is gone."""
        pid = fault.record["pid"]
        seconds = await _is_gone(fault)
        if seconds is None:
            raise NotBiting(f"process {pid} still runs after {END_SECONDS:g} s")
        found = await replicas.info(context, fault.target)
        until = time.monotonic() + NOTICE_SECONDS
        while found.pid == pid and time.monotonic() < until:
            await asyncio.sleep(0.05)
            found = await replicas.info(context, fault.target)
        return f"process {pid} was gone after {seconds:.2f} s; the manager says {found.state}" + (
            f", process {found.pid}" if found.pid else ""
        )


class Restart(OfReplica):
    """A restart, with its drain."""

    name = "restart"
    summary = "is stopped, with its drain, and started again, once"

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Stop and start it."""
        await replicas.start_again(context, fault.target)
        return {}

    async def bites(self, context: Context, fault: Fault) -> str:
        """Another process has taken its place."""
        found = await replicas.info(context, fault.target)
        if not found.pid or _is_there(fault):
            raise NotBiting(f"{fault.target} is {found.state} as process {found.pid}, before {fault.record['pid']}")
        return f"process {found.pid} has taken the place of {fault.record['pid']}"


class ScaleDown(FaultKind):
    """Fewer replicas."""

    local = True
    name = "scale-down"
    summary = "has fewer replicas"
    attributes = (Attribute("to", "replicas that are left", default=1, minimum=1, maximum=5),)

    def targets(self, context: Context) -> list[str]:
        """Every process that can have several replicas."""
        return replicas.scalable(context)

    async def prepare(self, context: Context, request: Request) -> Record:
        """How many there are."""
        instance = context.instance
        before = instance.replicas_of(instance.topology[request.target])
        if before <= int(request.attributes["to"]):
            raise Refused(f"{request.target} has {before} replicas: scale it up first, or say to=N with a smaller N")
        return {"before": before}

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Scale, as the command does."""
        await _scale(context, fault.target, int(fault.attributes["to"]))
        return {}

    async def undo(self, context: Context, fault: Fault) -> None:
        """Back to as many as there were."""
        before = int(fault.record["before"])
        if _count(context, fault.target) >= before:
            return
        if await asyncio.to_thread(context.manager.alive):
            await _scale(context, fault.target, before)
        else:
            instance = context.instance
            instance.scaled(instance.topology[fault.target], before).save()

    async def bites(self, context: Context, fault: Fault) -> str:
        """The surplus replicas do not run."""
        process = context.instance.topology[fault.target]
        surplus = range(int(fault.attributes["to"]) + 1, int(fault.record["before"]) + 1)
        stopped = [process.replica_name(number) for number in surplus]
        left = [name for name in stopped if (await replicas.info(context, name)).pid]
        if left or _count(context, fault.target) != fault.attributes["to"]:
            raise NotBiting(f"{', '.join(left)} still run, {_count(context, fault.target)} are recorded")
        return f"{fault.attributes['to']} of {fault.record['before']} replicas are left; {', '.join(stopped)} stopped"


def _count(context: Context, name: str) -> int:
    instance = context.instance
    return instance.replicas_of(instance.topology[name])


async def _scale(context: Context, name: str, count: int) -> None:
    await asyncio.to_thread(control.scale, context.name, name, count, replicas.quiet)


KINDS: tuple[FaultKind, ...] = (Kill(), Restart(), ScaleDown())
