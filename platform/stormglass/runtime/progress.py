"""What `up` and `down` report while they work; how it looks is the command line's business."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Step:
    """One part (a replica, or a step such as `schema`) has come to a new state after some seconds."""

    part: str
    state: str  # waiting, starting, ready, skipped, failed, stopping, stopped
    seconds: float = 0.0
    detail: str = ""


class Report(Protocol):
    """Receives every step."""

    def __call__(self, step: Step) -> None:
        """Show or record it."""
