"""What every toxic has in common."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from chaos.faultproxy.stage import Stage


class InvalidAttributesError(ValueError):
    """Attributes that Toxiproxy 2.12 accepts and then dies or misbehaves of."""


@dataclass(frozen=True, slots=True)
class Behaviour(ABC):
    """The attributes of a toxic, immutable, and what it does to a stream. All attributes are integers, 0 by default."""

    type: ClassVar[str]
    queue: ClassVar[int] = 0
    """How many chunks may wait in front of the toxic before the sender is held back."""
    harmless: ClassVar[bool] = False
    """Whether the toxic never touches the stream."""
    closes_on_removal: ClassVar[bool] = False
    """Whether taking the toxic away closes its connections, because bytes have been lost on them."""

    def __post_init__(self) -> None:
        """Refuse attributes that make no sense (`InvalidAttributesError`); most make some."""
        return

    @abstractmethod
    async def pipe(self, stage: Stage) -> None:
        """Move chunks until the end of the stream; returning closes it."""
