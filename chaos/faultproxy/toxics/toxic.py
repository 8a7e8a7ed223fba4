"""A toxic as a proxy has it: named, directed, with a probability."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from chaos.faultproxy.toxics.behaviour import Behaviour

UPSTREAM: Final = "upstream"
DOWNSTREAM: Final = "downstream"


@dataclass(slots=True)
class Toxic:
    """`stream` keeps the spelling it was given; `toxicity` is the probability per connection, not range-checked."""

    name: str
    stream: str
    toxicity: float
    behaviour: Behaviour

    @property
    def direction(self) -> str:
        """`upstream` or `downstream`."""
        return self.stream.lower()

    def as_json(self) -> dict[str, Any]:
        """The object of Toxiproxy's API, keys in its order; a whole toxicity is written without a point."""
        whole = self.toxicity.is_integer() and abs(self.toxicity) < 1e21
        return {
            "attributes": asdict(self.behaviour),
            "name": self.name,
            "type": self.behaviour.type,
            "stream": self.stream,
            "toxicity": int(self.toxicity) if whole else self.toxicity,
        }
