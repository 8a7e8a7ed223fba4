"""Hold back the end of the stream."""

from dataclasses import dataclass
from typing import ClassVar

from chaos.faultproxy.stage import Stage
from chaos.faultproxy.toxics.behaviour import Behaviour


@dataclass(frozen=True, slots=True)
class SlowClose(Behaviour):
    """`delay` in milliseconds between the end of the stream and the close; data is untouched."""

    type: ClassVar[str] = "slow_close"

    delay: int = 0

    async def pipe(self, stage: Stage) -> None:
        """Pass everything on, then wait."""
        while (chunk := await stage.receive()) is not None:
            await stage.send(chunk)
        await stage.pause(self.delay / 1000)
