"""Cut chunks into small pieces."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from chaos.faultproxy.stage import Stage
from chaos.faultproxy.toxics.behaviour import Behaviour, InvalidAttributesError


@dataclass(frozen=True, slots=True)
class Slicer(Behaviour):
    """Pieces of `average_size` bytes, give or take `size_variation`, each followed by `delay` microseconds."""

    type: ClassVar[str] = "slicer"

    average_size: int = 0
    size_variation: int = 0
    delay: int = 0

    def __post_init__(self) -> None:
        """These values make Toxiproxy 2.12 recurse until it dies; 2.13 refuses them too."""
        if self.average_size < 1:
            raise InvalidAttributesError(f"slicer average_size must be at least 1 byte, got {self.average_size}")
        if not 0 <= self.size_variation <= self.average_size:
            raise InvalidAttributesError(
                f"slicer size_variation must be between 0 and average_size ({self.average_size}), "
                f"got {self.size_variation}"
            )

    async def pipe(self, stage: Stage) -> None:
        """Send piece by piece; an interrupt lets the rest of the chunk go out whole."""
        while (chunk := await stage.receive()) is not None:
            rest = chunk
            for size in self._sizes(stage, len(chunk.data)):
                piece, rest = rest.cut(size)
                await stage.send(piece, rest=rest if rest.data else None)
                await stage.pause(self.delay / 1_000_000)

    def _sizes(self, stage: Stage, size: int) -> Iterator[int]:
        """Halve near the middle until the pieces fit; a stack of our own, since Python's would be too small."""
        waiting = [size]
        while waiting:
            size = waiting.pop()
            if size <= self.average_size + self.size_variation:
                yield size
                continue
            first = size // 2
            if self.size_variation > 0:
                first += stage.random.randrange(-self.size_variation, self.size_variation)
            first = min(max(first, 1), size - 1)
            waiting += [size - first, first]
