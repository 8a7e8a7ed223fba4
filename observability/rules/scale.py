"""Windows and burn rates: how fast an error budget may go before somebody is told.

Source: Google, "The Site Reliability Workbook", chapter 5, table 5-8 (multiwindow, multi-burn-rate alerts), for a
budget of 30 days. The demo's windows are the same divided by 60, so that what takes an hour in production is seen in a
minute; none is shorter than three scrapes, or `rate` would have nothing to work with.
"""

from dataclasses import dataclass

MINUTE, HOUR, DAY = 60, 3600, 86_400
SHORTEST_SECONDS = 15
"""Three scrapes of 5 s."""


@dataclass(frozen=True, slots=True)
class Burn:
    """Tell somebody when the budget goes `factor` times too fast over `long` and still over `short` (seconds)."""

    severity: str
    factor: float
    long: int
    short: int


@dataclass(frozen=True, slots=True)
class Scale:
    """One set of windows. `slower` is by how much the production windows are divided."""

    name: str
    divided_by: int

    def seconds(self, seconds: int) -> int:
        """A production window in this scale."""
        return max(SHORTEST_SECONDS, seconds // self.divided_by)

    @property
    def burns(self) -> tuple[Burn, ...]:
        """What is told to somebody, the quickest first."""
        return tuple(
            Burn(burn.severity, burn.factor, self.seconds(burn.long), self.seconds(burn.short)) for burn in _PRODUCTION
        )

    @property
    def windows(self) -> tuple[int, ...]:
        """Every window that is needed, each once, in seconds."""
        return tuple(sorted({window for burn in self.burns for window in (burn.long, burn.short)}))


_PRODUCTION = (
    Burn("page", 14.4, 1 * HOUR, 5 * MINUTE),
    Burn("page", 6, 6 * HOUR, 30 * MINUTE),
    Burn("ticket", 3, 1 * DAY, 2 * HOUR),
    Burn("ticket", 1, 3 * DAY, 6 * HOUR),
)

PRODUCTION = Scale("production", 1)
DEMO = Scale("demo", 60)
SCALES = (PRODUCTION, DEMO)


def duration(seconds: int) -> str:
    """Seconds as Prometheus writes a duration: `90s`, `5m`, `1h`, `3d`."""
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
