"""A frozen process: SIGSTOP. Its connections stay open and nobody answers on them, unlike with one that died."""

import contextlib
import os
import signal
from typing import Any

import psutil

from chaos.engine.context import Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record
from chaos.faults import replicas
from chaos.faults.process import OfReplica
from stormglass.runtime import probe


class Stop(OfReplica):
    """Frozen, with everything it started."""

    name = "stop"
    summary = "is frozen (SIGSTOP) with every process it started, and goes on afterwards"

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Freeze the replica first, so that it starts no more, then what it has started."""
        root = psutil.Process(int(fault.record["pid"]))
        os.kill(root.pid, signal.SIGSTOP)
        frozen = [root, *root.children(recursive=True)]
        for process in frozen[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGSTOP)
        return {"frozen": [[process.pid, process.create_time()] for process in frozen]}

    async def undo(self, context: Context, fault: Fault) -> None:
        """Let go on whatever is left of what was frozen: the manager may have replaced some of it meanwhile."""
        processes = _recorded(fault)
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
        left = [process.pid for process in processes if _is_frozen(process)]
        if left:
            raise RuntimeError(f"still frozen: {', '.join(map(str, left))}")

    async def bites(self, context: Context, fault: Fault) -> str:
        """Every process is stopped in the kernel's eyes, and the replica does not answer."""
        # asked first: who waits for the disk stops when that is done
        answer = await probe.ask(context.instance, *replicas.place(context, fault.target))
        processes = _recorded(fault)
        frozen = [process for process in processes if _is_frozen(process)]
        if not frozen or len(frozen) < len(processes) or answer.ready:
            what = "it answers" if answer.ready else f"no answer ({answer.reason})"
            raise NotBiting(f"{len(frozen)} of {len(processes)} processes are stopped; {what}")
        return f"{len(frozen)} of {len(processes)} processes are stopped; {answer.reason}"


def _recorded(fault: Fault) -> list[psutil.Process]:
    """The processes of the record that still exist; with an `apply` that was cut short, the replica's as it is.

    One that ended just before it was to be frozen stays a zombie: its parent is frozen and cannot reap it.
    """
    listed: list[Any] = list(fault.record.get("frozen", [[fault.record["pid"], fault.record["created"]]]))
    found = []
    for pid, created in listed:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(pid))
            if process.create_time() == created and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
                if "frozen" not in fault.record:
                    found += process.children(recursive=True)
    return found


def _is_frozen(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return False


KINDS: tuple[FaultKind, ...] = (Stop(),)
