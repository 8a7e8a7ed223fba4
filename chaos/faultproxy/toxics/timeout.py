"""Swallow everything, and perhaps close after a silence."""

from dataclasses import dataclass
from math import inf
from typing import ClassVar

from chaos.faultproxy.stage import Stage
from chaos.faultproxy.toxics.behaviour import Behaviour


@dataclass(frozen=True, slots=True)
class Timeout(Behaviour):
    """`timeout` in milliseconds without a byte received, after which the connection closes; 0 never closes."""

    type: ClassVar[str] = "timeout"
    closes_on_removal: ClassVar[bool] = True

    timeout: int = 0

    async def pipe(self, stage: Stage) -> None:
        """Drop each chunk; every one of them restarts the clock."""
        try:
            while await stage.receive(within=self.timeout / 1000 if self.timeout > 0 else inf) is not None:
                stage.held = None
        except TimeoutError:
            return
