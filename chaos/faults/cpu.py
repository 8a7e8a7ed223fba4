"""A busy neighbour: programs that burn CPU time beside a replica."""

import asyncio
import contextlib
import os

import psutil

from chaos.engine.attributes import Attribute
from chaos.engine.context import Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record, Request
from chaos.faults import holder, replicas

LOOK_SECONDS = 0.5


class Cpu(FaultKind):
    """Burners. Where the system can bind a process to a core (Linux), they share one with the replica alone."""

    local = True
    name = "cpu"
    summary = "shares one core with `count` programs that burn all the CPU time they get"
    attributes = (Attribute("count", "programs that burn", default=2, minimum=1, maximum=16),)

    def targets(self, context: Context) -> list[str]:
        """Every replica that is meant to run."""
        return replicas.running(context)

    async def prepare(self, context: Context, request: Request) -> Record:
        """The cores it may use now."""
        found = await replicas.running_info(context, request.target)
        created = psutil.Process(found.pid).create_time()
        cores = sorted(os.sched_getaffinity(found.pid)) if hasattr(os, "sched_getaffinity") else []
        return {"pid": found.pid, "created": created, "cores": cores}

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Bind the replica to its last core, start the burners, and bind those to it as well."""
        core = list(fault.record["cores"])[-1:]
        _bind(fault, core)
        await asyncio.gather(*(holder.start(context, fault, "burn") for _ in range(int(fault.attributes["count"]))))
        for burner in await asyncio.to_thread(holder.find, fault):
            if core:
                os.sched_setaffinity(burner.pid, core)
        return {}

    async def undo(self, context: Context, fault: Fault) -> None:
        """End the burners and give the replica its cores back."""
        await holder.end(fault)
        _bind(fault, list(fault.record["cores"]))

    async def bites(self, context: Context, fault: Fault) -> str:
        """The CPU time that the burners got within half a second."""
        burners = await asyncio.to_thread(holder.find, fault)
        before = _cpu_seconds(burners)
        await asyncio.sleep(LOOK_SECONDS)
        share = (_cpu_seconds(burners) - before) / LOOK_SECONDS
        # what is left to them of a machine that is busy already may be little, but it is not nothing
        if len(burners) < int(fault.attributes["count"]) or share < 0.1:
            raise NotBiting(f"{len(burners)} programs used {share:.0%} of a core")
        where = f"core {fault.record['cores'][-1]}, that of {fault.target}" if fault.record["cores"] else "a core"
        return f"{len(burners)} programs use {share:.0%} of {where}"

    async def restore(self, context: Context, fault: Fault) -> bool:
        """Start them again if they ended with the process that had started them."""
        if await asyncio.to_thread(holder.find, fault):
            return False
        await self.apply(context, fault)
        return True


def _bind(fault: Fault, cores: list[int]) -> None:
    """Bind every thread of the replica, as far as it is still the same process."""
    if not cores:
        return
    with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
        process = psutil.Process(int(fault.record["pid"]))
        if process.create_time() == fault.record["created"]:
            for thread in process.threads():
                os.sched_setaffinity(thread.id, cores)


def _cpu_seconds(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


KINDS: tuple[FaultKind, ...] = (Cpu(),)
