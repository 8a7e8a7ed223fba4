"""A full disk for the two processes that keep their own files: the mail server and the trace store."""

import os
import time
from typing import Any

import psutil

from chaos.engine.context import Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record, Refused, Request
from chaos.faults import replicas
from chaos.faults.mail import probe_mail

TARGETS = ("mail", "traces")
"""SQLite in a Python process. Postgres would panic for want of its log, and Valkey be ended by the signal."""

PROBE = "fault probe"


class DiskFull(FaultKind):
    """No file of the process may be written to any more: every write fails as on a full disk, reads go on.

    It is the kernel's limit on the size of files (RLIMIT_FSIZE), set to 0 from outside. A disk that is really full
    would need a file system of its own, which only root can mount.
    """

    local = True
    name = "disk-full"
    summary = "cannot write to any file, as on a full disk (Linux only)"

    def targets(self, context: Context) -> list[str]:
        """Those that keep files and survive a failing write."""
        return [name for name in TARGETS if replicas.is_meant_to_run(context, name)]

    async def prepare(self, context: Context, request: Request) -> Record:
        """The limit as it is."""
        if not hasattr(psutil, "RLIMIT_FSIZE"):
            raise Refused(
                "disk-full needs the system call prlimit, which only Linux has: elsewhere the process' data directory"
                " would have to be on a small disk image, which only root can mount"
            )
        found = await replicas.running_info(context, request.target)
        soft, hard = _process(found.pid).rlimit(psutil.RLIMIT_FSIZE)
        return {"soft": soft, "hard": hard}

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Let it write nothing. The hard limit stays, so that the other can be raised again without being root."""
        await self._limit(context, fault, 0)
        return {}

    async def undo(self, context: Context, fault: Fault) -> None:
        """The limit as it was. A process that was started meanwhile never had another."""
        if replicas.is_meant_to_run(context, fault.target):
            await self._limit(context, fault, int(fault.record["soft"]))

    async def restore(self, context: Context, fault: Fault) -> bool:
        """It was restarted: limit the new process."""
        found = await replicas.running_info(context, fault.target)
        if _process(found.pid).rlimit(psutil.RLIMIT_FSIZE)[0] == 0:
            return False
        await self.apply(context, fault)
        return True

    async def _limit(self, context: Context, fault: Fault, soft: int) -> None:
        found = await replicas.info(context, fault.target)
        if found.pid:
            _process(found.pid).rlimit(psutil.RLIMIT_FSIZE, (soft, int(fault.record["hard"])))

    async def bites(self, context: Context, fault: Fault) -> str:
        """It says so itself when it is given something to keep."""
        seen = await (_mail_refused if fault.target == "mail" else _span_refused)(context)
        return f"it was given something to keep and answered: {seen}"


def _process(pid: int) -> Any:
    """The process; `Any`, because `rlimit` exists on some systems only."""
    return psutil.Process(pid)


async def _mail_refused(context: Context) -> str:
    answer = await probe_mail(context, f"{PROBE} {os.urandom(8).hex()}")
    if answer.stored:
        raise NotBiting(f"a mail was stored ({answer.said})")
    return answer.said


async def _span_refused(context: Context) -> str:
    now = time.time_ns()
    span = {
        "traceId": os.urandom(16).hex(),
        "spanId": os.urandom(8).hex(),
        "name": PROBE,
        "kind": 1,
        "startTimeUnixNano": str(now),
        "endTimeUnixNano": str(now),
    }
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    async with context.http("traces") as http:
        answer = await http.post("/v1/traces", json=body)
    if answer.status_code < 500:
        raise NotBiting(f"a span was answered with {answer.status_code}")
    return f"{answer.status_code} {answer.text[:200]}"


KINDS: tuple[FaultKind, ...] = (DiskFull(),)
