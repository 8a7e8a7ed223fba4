"""What is done to whom, and what counts as good: the failover goals as figures."""

from dataclasses import dataclass

from stormglass.runtime.instance import Instance
from stormglass.runtime.render.traefik import EDGE_HEADER_SECONDS, INTERNAL_HEADER_SECONDS

SIGNALS = ("TERM", "KILL", "STOP")
CUT = "CUT"
"""Not a signal: every connection to the replica is cut for some seconds, where processes cannot be sent signals."""

PARTS = ("gateway", "products", "orders", "worker")

KILL_SECONDS = 0.3
"""After a replica died, the last request that fails because of it."""

BEYOND_SECONDS = 0.3
"""How much later than its time-out the last request may fail on a frozen replica."""


@dataclass(frozen=True, slots=True)
class Case:
    """One signal to one replica of a part."""

    part: str
    replica: str
    signal: str

    @property
    def target_seconds(self) -> float:
        """The latest acceptable moment of the last error after the signal; 0: no error at all.

        A worker answers no requests: whatever happens to it must not be seen by shoppers.
        """
        if self.signal == "TERM" or self.part == "worker":
            return 0.0
        if self.signal in {"KILL", CUT}:
            return KILL_SECONDS
        timeout = EDGE_HEADER_SECONDS if self.part == "gateway" else INTERNAL_HEADER_SECONDS
        return timeout + BEYOND_SECONDS


def cases(instance: Instance, parts: tuple[str, ...] = PARTS, signals: tuple[str, ...] = SIGNALS) -> list[Case]:
    """Every signal to the first replica of every part; parts that have a single replica cannot fail over."""
    return [
        Case(part, instance.topology[part].replica_name(1), signal)
        for signal in signals
        for part in parts
        if instance.replicas_of(instance.topology[part]) > 1
    ]
