"""Little memory left on the machine, but never so little that something else is killed."""

import asyncio
from pathlib import Path

import psutil

from chaos.engine.attributes import Attribute
from chaos.engine.context import Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record, Refused, Request
from chaos.faults import holder

TARGET = "machine"
MIB = 1 << 20
LEAST_BYTES = 1 << 30
LEAST_SHARE = 0.25
"""What stays available: a gibibyte, or a quarter of the machine if that is more."""


class Memory(FaultKind):
    """A program that holds memory."""

    local = True
    name = "memory"
    summary = "has less memory: a program holds some of it"
    attributes = (Attribute("size", "how much is held", unit="MiB", default=256, minimum=1, maximum=1 << 20),)

    def targets(self, context: Context) -> list[str]:
        """The machine as a whole."""
        return [TARGET]

    async def prepare(self, context: Context, request: Request) -> Record:
        """It has to fit."""
        available, total = available_and_total()
        keep = max(LEAST_BYTES, int(total * LEAST_SHARE))
        most = max(0, available - keep) // MIB
        if int(request.attributes["size"]) > most:
            raise Refused(
                f"size={request.attributes['size']}: {available // MIB} MiB are available, of which {keep // MIB} have"
                f" to stay, or the system would end other programs: at most {most} (MiB) can be held"
            )
        return {"available": available}

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Start the program."""
        await holder.start(context, fault, "fill", mib=fault.attributes["size"])
        return {}

    async def undo(self, context: Context, fault: Fault) -> None:
        """End it."""
        await holder.end(fault)

    async def bites(self, context: Context, fault: Fault) -> str:
        """What the program really holds."""
        held = sum(process.memory_info().rss for process in await asyncio.to_thread(holder.find, fault)) // MIB
        available = available_and_total()[0] // MIB
        if held < int(fault.attributes["size"]):
            raise NotBiting(f"{held} MiB are held, {available} MiB available")
        return f"{held} MiB are held, {available} MiB are left ({fault.record['available'] // MIB} before)"

    async def restore(self, context: Context, fault: Fault) -> bool:
        """Start the program again if it ended with the process that had started it."""
        if await asyncio.to_thread(holder.find, fault):
            return False
        await self.apply(context, fault)
        return True


def available_and_total(group: Path = Path("/sys/fs/cgroup")) -> tuple[int, int]:
    """Bytes, of the machine or of the container we are in, whichever has less."""
    memory = psutil.virtual_memory()
    try:
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        used = int((group / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):  # no container, no limit, or not Linux
        return memory.available, memory.total
    return min(memory.available, limit - used), min(memory.total, limit)


KINDS: tuple[FaultKind, ...] = (Memory(),)
