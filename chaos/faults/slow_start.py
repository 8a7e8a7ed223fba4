"""A replica that is slow to start."""

import asyncio
import time

import psutil

from chaos.engine.attributes import Attribute
from chaos.engine.context import Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record, Request
from chaos.faults import replicas
from stormglass.runtime import probe
from stormglass.runtime.entry import DELAY
from stormglass.runtime.overrides import clear_override, overrides, set_override

LOOK_SECONDS = 1.5
IDLE_CPU_SECONDS = 0.5
"""An application that starts needs more than this before it listens; one that is held back has not begun."""


class SlowStart(FaultKind):
    """Held back before it imports anything, at this start and at every one until the fault ends."""

    local = True
    name = "slow-start"
    summary = "is restarted, and needs `delay` longer to start, also when it dies again meanwhile"
    attributes = (Attribute("delay", "time added", type=float, unit="s", default=10.0, minimum=1.0, maximum=120.0),)

    forbidden = replicas.PROTECTED

    def targets(self, context: Context) -> list[str]:
        """Every replica that runs a program of ours."""
        return replicas.programs(context)

    async def prepare(self, context: Context, request: Request) -> Record:
        """Whether it is held back already, by somebody else."""
        return {"before": overrides(context.instance).get(request.target, {}).get(DELAY, "")}

    async def apply(self, context: Context, fault: Fault) -> Record:
        """From now on; beginning with a start now."""
        await asyncio.to_thread(
            set_override, context.instance, fault.target, {DELAY: f"{float(fault.attributes['delay']):g}"}
        )
        await replicas.start_again(context, fault.target)
        return {}

    async def undo(self, context: Context, fault: Fault) -> None:
        """Not at the next start, and not at this one either."""
        if fault.record["before"]:
            await asyncio.to_thread(set_override, context.instance, fault.target, {DELAY: fault.record["before"]})
        else:
            await asyncio.to_thread(clear_override, context.instance, fault.target, [DELAY])
        if not replicas.is_meant_to_run(context, fault.target):
            return
        answer = await probe.ask(context.instance, *replicas.place(context, fault.target))
        if not answer.ready:
            await replicas.start_again(context, fault.target)
        await replicas.ready_again(context, fault.target)

    async def bites(self, context: Context, fault: Fault) -> str:
        """It runs, has used next to no CPU time, and is not ready."""
        await asyncio.sleep(min(LOOK_SECONDS, float(fault.attributes["delay"]) / 2))
        found = await replicas.info(context, fault.target)
        answer = await probe.ask(context.instance, *replicas.place(context, fault.target))
        if not found.pid:
            raise NotBiting(f"it does not run: {found.state}")
        process = psutil.Process(found.pid)
        seconds, used = time.time() - process.create_time(), sum(process.cpu_times()[:2])
        seen = f"process {found.pid} runs for {seconds:.1f} s and has used {used:.2f} s of CPU"
        if answer.ready or used > IDLE_CPU_SECONDS:
            raise NotBiting(f"{seen}; it is {'ready' if answer.ready else 'starting'}")
        return f"{seen}; {answer.reason}"


KINDS: tuple[FaultKind, ...] = (SlowStart(),)
