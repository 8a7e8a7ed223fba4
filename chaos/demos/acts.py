"""The acts of a story: stretches of time in which the same thing is broken, and their figures side by side."""

from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table

from chaos.load.record import Recording

SOURCES = {
    "hit": "cache",
    "miss": "database, then cached",
    "stale": "outdated cache entry",
    "bypass": "database, no cache",
}
"""Where a product page came from, by what its `Cache-Status` says."""


@dataclass(frozen=True, slots=True)
class Act:
    """What shoppers and processes saw in one act. `fallbacks` is what the processes counted by themselves."""

    name: str
    requests: int
    errors: dict[str, int]
    p50_ms: float
    p99_ms: float
    pages: dict[str, int]
    degraded: int
    orders: int
    fallbacks: dict[str, int] = field(default_factory=dict)
    waiting: int = 0

    @classmethod
    def of(cls, name: str, seen: Recording, orders: int, fallbacks: dict[str, int], waiting: int) -> "Act":
        """The figures of a recording."""
        return cls(
            name=name,
            requests=len(seen),
            errors=seen.kinds(),
            p50_ms=round(seen.latency(0.5) * 1000, 1),
            p99_ms=round(seen.latency(0.99) * 1000, 1),
            pages=seen.caches(),
            degraded=sum(bool(sample.degraded) for sample in seen.samples),
            orders=orders,
            fallbacks=fallbacks,
            waiting=waiting,
        )

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    def share(self, *sources: str) -> float:
        """The share of product pages that came from there; 0 of none."""
        return sum(self.pages.get(source, 0) for source in sources) / max(1, sum(self.pages.values()))


def table(acts: list[Act]) -> Table:
    """The acts side by side: one column each, because they are compared."""
    shown = Table(box=None, padding=(0, 3, 0, 2), show_header=True, header_style="bold")
    shown.add_column("", no_wrap=True)
    for act in acts:
        shown.add_column(act.name, justify="right", no_wrap=True)
    rows: list[tuple[str, list[str]]] = [
        ("requests", [str(act.requests) for act in acts]),
        ("errors", [str(sum(act.errors.values())) for act in acts]),
        ("p50", [f"{act.p50_ms:.0f} ms" for act in acts]),
        ("p99", [f"{act.p99_ms:.0f} ms" for act in acts]),
        *((f"pages: {what}", [f"{act.share(key):.0%}" for act in acts]) for key, what in SOURCES.items()),
        ("orders acknowledged", [str(act.orders) for act in acts]),
        ("events in the outbox", [str(act.waiting) for act in acts]),
    ]
    used = sorted({name for act in acts for name in act.fallbacks})
    rows += [(f"fallback: {name}", [str(act.fallbacks.get(name, 0)) for act in acts]) for name in used]
    for name, values in rows:
        shown.add_row(name, *values)
    return shown
