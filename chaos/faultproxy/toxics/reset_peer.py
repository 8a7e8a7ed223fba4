"""Answer the first bytes with a TCP reset."""

from dataclasses import dataclass
from typing import ClassVar

from chaos.faultproxy.stage import Stage
from chaos.faultproxy.toxics.behaviour import Behaviour


@dataclass(frozen=True, slots=True)
class ResetPeer(Behaviour):
    """`timeout` in milliseconds between the first bytes (or the end of the stream) and the RST on both sides.

    An interrupt during that wait resets at once: bytes have been swallowed, the stream cannot go on.
    """

    type: ClassVar[str] = "reset_peer"

    timeout: int = 0

    async def pipe(self, stage: Stage) -> None:
        """Swallow one chunk, wait, and ask for the reset; an idle connection is left alone."""
        await stage.receive()
        stage.held = None
        try:
            await stage.pause(self.timeout / 1000)
        finally:
            stage.on_reset()
