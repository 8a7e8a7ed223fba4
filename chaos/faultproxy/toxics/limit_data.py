"""Close the connection after so many bytes."""

from dataclasses import dataclass
from typing import ClassVar

from chaos.faultproxy.stage import Stage
from chaos.faultproxy.toxics.behaviour import Behaviour


@dataclass(frozen=True, slots=True)
class LimitData(Behaviour):
    """`bytes` that may pass in this direction, counted per connection since the toxic was put on it."""

    type: ClassVar[str] = "limit_data"

    bytes: int = 0

    async def pipe(self, stage: Stage) -> None:
        """Pass what the limit leaves, cut the chunk that crosses it, and close on reaching it."""
        while (chunk := await stage.receive()) is not None:
            left = self.bytes - stage.used
            if left <= 0:
                return
            if len(chunk.data) > left:
                chunk, _lost = chunk.cut(left)
                stage.held = chunk
            stage.used += len(chunk.data)
            await stage.send(chunk)
            if stage.used >= self.bytes:
                return
