"""Starting, finding and ending the programs of `chaos.faults.held`.

They are found by the fault's id on their command line, not by a recorded process id: an undo then also finds what was
started by an `apply` that never came to record it.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading

import psutil

from chaos.engine.context import Context
from chaos.engine.model import Fault
from stormglass.runtime.environment import MARKER

READY_SECONDS = 20.0
END_SECONDS = 5.0
SPARE_SECONDS = 15.0
"""A fault's time counts from when it was in place, which is later than when its program is started."""

PACKAGE = "chaos.faults.held"

_started: list[subprocess.Popen[str]] = []
"""Children of this process, only so that they are waited for when they have ended."""


def find(fault: Fault) -> list[psutil.Process]:
    """The programs of a fault that run."""
    _reap()
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if fault.id in words and any(word.startswith(f"{PACKAGE}.") for word in words):
            found.append(process)
    return found


async def start(context: Context, fault: Fault, program: str, **values: object) -> str:
    """Start one program and wait until its fault is in place; what it says about it.

    Raises:
        RuntimeError: it ended, or was not ready in time; the text holds its last words.
    """
    return await asyncio.to_thread(_start, context, fault, program, values)


def _start(context: Context, fault: Fault, program: str, values: dict[str, object]) -> str:
    order = json.dumps({**values, "instance": context.name})
    child = subprocess.Popen(  # noqa: S603 - our own interpreter, arguments of ours
        [
            sys.executable,
            "-P",
            "-m",
            f"{PACKAGE}.{program}",
            fault.id,
            str(os.getpid()),
            str(fault.expires_at + SPARE_SECONDS),
            order,
        ],
        # with the marker, so that `down` ends it too, whoever started it
        env={**os.environ, MARKER: str(context.instance.directory)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    _started.append(child)
    said: list[str] = []
    late = threading.Timer(READY_SECONDS, child.kill)
    late.start()
    try:
        for line in child.stdout or ():
            if line.startswith("ready"):
                return line.removeprefix("ready").strip()
            said.append(line.strip())
    finally:
        late.cancel()
    child.wait()
    why = said[-1] if said else f"no word from it within {READY_SECONDS:g} s"
    raise RuntimeError(f"{PACKAGE}.{program} did not come up: {why}")


async def end(fault: Fault) -> None:
    """End every program of a fault; `RuntimeError` if one is still there."""
    await asyncio.to_thread(_end, fault)


def _end(fault: Fault) -> None:
    found = find(fault)
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _, left = psutil.wait_procs(found, timeout=END_SECONDS)
    _reap()
    if left:
        raise RuntimeError(f"still running after SIGKILL: {', '.join(str(process.pid) for process in left)}")


def _reap() -> None:
    _started[:] = [child for child in _started if child.poll() is None]
