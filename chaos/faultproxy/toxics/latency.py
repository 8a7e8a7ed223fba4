"""Delay every chunk by a time counted from its receipt."""

from dataclasses import dataclass
from time import monotonic
from typing import ClassVar

from chaos.faultproxy.stage import Stage
from chaos.faultproxy.toxics.behaviour import Behaviour


@dataclass(frozen=True, slots=True)
class Latency(Behaviour):
    """`latency` plus a uniform draw from [-jitter, jitter - 1], in milliseconds. Throughput is not reduced."""

    type: ClassVar[str] = "latency"
    queue: ClassVar[int] = 1024

    latency: int = 0
    jitter: int = 0

    async def pipe(self, stage: Stage) -> None:
        """Hold each chunk until its time has come, and move its time of receipt on, so that two latencies add up."""
        while (chunk := await stage.receive()) is not None:
            milliseconds = self.latency
            if self.jitter > 0:
                milliseconds += stage.random.randrange(-self.jitter, self.jitter)
            if milliseconds > 0:
                due = chunk.received + milliseconds / 1000
                await stage.pause(due - monotonic())
                chunk.received = due
            await stage.send(chunk)
