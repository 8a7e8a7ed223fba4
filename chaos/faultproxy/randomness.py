"""Seeded randomness that replays: one independent stream for every question a connection asks.

Toxiproxy 2.12 has a `-seed` flag without effect. Here a draw depends only on the seed, the proxy's name, the number of
the connection on that proxy, the direction, the toxic's name and the purpose; so neither timing nor what other
connections do can change it.
"""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Randomness:
    """Where the streams of one direction of one connection come from."""

    seed: int
    proxy: str
    connection: int
    direction: str

    def stream(self, toxic: str, purpose: str) -> Random:
        """The generator for one purpose of one toxic; asking twice gives two that start alike."""
        key = f"{self.seed}/{self.proxy}/{self.connection}/{self.direction}/{toxic}/{purpose}"
        return Random(key)  # noqa: S311 - a reproducible experiment, no secret
