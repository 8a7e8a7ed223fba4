"""Do nothing."""

from dataclasses import dataclass
from typing import ClassVar

from chaos.faultproxy.stage import Stage
from chaos.faultproxy.toxics.behaviour import Behaviour


@dataclass(frozen=True, slots=True)
class Noop(Behaviour):
    """Accepts no attributes and leaves the stream as it is."""

    type: ClassVar[str] = "noop"
    harmless: ClassVar[bool] = True

    async def pipe(self, stage: Stage) -> None:
        """Pass everything on."""
        while (chunk := await stage.receive()) is not None:
            await stage.send(chunk)
