"""Let through so many kilobytes a second."""

from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import ClassVar

from chaos.faultproxy.stage import Stage
from chaos.faultproxy.toxics.behaviour import Behaviour, InvalidAttributesError

_SLICE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Bandwidth(Behaviour):
    """`rate` in KB/s (KB = 1000 bytes), for each connection and direction. Rate 0 stalls the stream until removal."""

    type: ClassVar[str] = "bandwidth"

    rate: int = 0

    def __post_init__(self) -> None:
        """A negative rate kills Toxiproxy 2.12 at the first byte."""
        if self.rate < 0:
            raise InvalidAttributesError(f"bandwidth rate must be 0 (stall) or more KB/s, got {self.rate}")

    async def pipe(self, stage: Stage) -> None:
        """Pay for each chunk in time; a large one goes in pieces of 100 ms, oversleeping counts for what follows."""
        owed = 0.0
        while (chunk := await stage.receive()) is not None:
            if self.rate == 0:
                await stage.pause(inf)
            owed += len(chunk.data) / (self.rate * 1000)
            while len(chunk.data) > self.rate * 100:
                owed -= await _slept(stage, _SLICE_SECONDS)
                piece, chunk = chunk.cut(self.rate * 100)
                await stage.send(piece, rest=chunk)
            owed -= await _slept(stage, owed)
            await stage.send(chunk)


async def _slept(stage: Stage, seconds: float) -> float:
    start = monotonic()
    await stage.pause(seconds)
    return monotonic() - start if seconds > 0 else 0.0
