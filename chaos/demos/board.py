"""The board of a story under load: what shoppers see now, and which replicas the balancer uses."""

import time

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from chaos.failover.rotation import Rotation
from chaos.load.generator import Load
from chaos.load.record import Recording
from stormglass.runtime.instance import Instance

WINDOW_SECONDS = 2.0
"""The figures of "now" are those of the last two seconds."""


class Board:
    """Figures of a load, and with a rotation also the replicas of some parts."""

    def __init__(self, load: Load, instance: Instance, rotation: Rotation, parts: tuple[str, ...]) -> None:
        self._load = load
        self._rotation = rotation
        self._replicas = [
            instance.topology[part].replica_name(number)
            for part in parts
            for number in range(1, instance.replicas_of(instance.topology[part]) + 1)
        ]
        self._counts: list[tuple[float, dict[str, float]]] = []

    def line(self) -> str:
        """Everything in one line."""
        out = [name for name in self._replicas if not self._rotation.up.get(name)]
        replicas = f"out of rotation: {', '.join(out)}" if out else "every replica in rotation"
        return f"{self._now()}; {replicas}"

    def picture(self) -> RenderableType:
        """Everything as a table."""
        rates = self._rates()
        table = Table.grid(padding=(0, 2))
        for name in self._replicas:
            up = self._rotation.up.get(name, False)
            state = "[green]in rotation[/]" if up else "[bold red]OUT of rotation[/]"
            rate = rates.get(name, 0.0)
            table.add_row(f"   {name}", state, f"{rate:5.1f} requests/s", "█" * round(rate / 2))
        return Group(Text(""), Text(f"   {self._now()}", style="bold"), table)

    def _now(self) -> str:
        return told(self._load.recording.ended(time.monotonic() - WINDOW_SECONDS), WINDOW_SECONDS)

    def _rates(self) -> dict[str, float]:
        """Requests per second that the balancer sent to each replica lately."""
        now = time.monotonic()
        self._counts.append((now, self._rotation.requests))
        while len(self._counts) > 2 and now - self._counts[0][0] > WINDOW_SECONDS:
            self._counts.pop(0)
        since, first = self._counts[0]
        if now - since < 0.2:
            return {}
        return {
            name: max(0.0, self._rotation.requests.get(name, 0.0) - first.get(name, 0.0)) / (now - since)
            for name in self._replicas
        }


def told(seen: Recording, seconds: float) -> str:
    """What shoppers saw in a stretch of time."""
    if not len(seen):
        return "no answers"
    p50, p99 = seen.latency(0.5) * 1000, seen.latency(0.99) * 1000
    errors = len(seen.errors)
    failed = f"{errors} error{'s' * (errors != 1)}" + (f" ({', '.join(seen.kinds())})" if errors else "")
    return f"{len(seen) / seconds:.0f} requests/s, p50 {p50:.0f} ms, p99 {p99:.0f} ms, {failed}"
