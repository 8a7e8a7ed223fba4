"""Windows and burn rates: how fast an error budget may go before somebody is told.

Source: Google, "The Site Reliability Workbook", chapter 5, table 5-8 (multiwindow, multi-burn-rate alerts). A budget
that goes `factor` times too fast has lost a given share of itself after `share × period / factor`: that is the long
window. The short one is a twelfth of it, so that the alert ends soon after the trouble does.

Production is the table: 30 days, and shares of 2, 5, 10 and 10 %. The demo's period is 60 times shorter, and every
alert there stands for 2 %. With the table's shares the slowest would need four minutes of complete failure to fire and
would stay for six; now whatever fails completely is told of within a minute (864 s times the budget: 43 s where one
event in twenty may be bad), and the slowest alert is gone 72 s after the trouble.
"""

from dataclasses import dataclass

MINUTE, HOUR, DAY = 60, 3600, 86_400
SHORTEST_SECONDS = 15
"""Three scrapes of 5 s: with fewer, `rate` would have nothing to work with."""

PERIOD_DAYS = 30
"""What the table is for."""

SHORT = 12
"""How often the short window fits into the long one."""

_FACTORS = (("page", 14.4), ("page", 6.0), ("ticket", 3.0), ("ticket", 1.0))


@dataclass(frozen=True, slots=True)
class Burn:
    """Tell somebody when the budget goes `factor` times too fast over `long` and still over `short` (seconds)."""

    severity: str
    factor: float
    long: int
    short: int


@dataclass(frozen=True, slots=True)
class Scale:
    """One set of windows: a production period is divided by `divided_by`; `shares` of the budget are told of."""

    name: str
    divided_by: int
    shares: tuple[float, float, float, float]

    def seconds(self, seconds: int) -> int:
        """A production period in this scale."""
        return max(SHORTEST_SECONDS, seconds // self.divided_by)

    @property
    def burns(self) -> tuple[Burn, ...]:
        """What is told to somebody, the quickest first."""
        return tuple(
            self._burn(severity, factor, share) for (severity, factor), share in zip(_FACTORS, self.shares, strict=True)
        )

    @property
    def windows(self) -> tuple[int, ...]:
        """Every window that is needed, each once, in seconds."""
        return tuple(sorted({window for burn in self.burns for window in (burn.long, burn.short)}))

    def _burn(self, severity: str, factor: float, share: float) -> Burn:
        long = round(share * self.seconds(PERIOD_DAYS * DAY) / factor)
        return Burn(severity, factor, long, max(SHORTEST_SECONDS, long // SHORT))


PRODUCTION = Scale("production", 1, (0.02, 0.05, 0.10, 0.10))
DEMO = Scale("demo", 60, (0.02, 0.02, 0.02, 0.02))
SCALES = (PRODUCTION, DEMO)


def duration(seconds: int) -> str:
    """Seconds as Prometheus writes a duration: `90s`, `5m`, `1h`, `3d`."""
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
