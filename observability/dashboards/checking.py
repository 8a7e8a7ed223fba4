"""Every query of every panel, asked of the running platform: a panel without data is a promise that is not kept."""

import time
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

from observability.dashboards.definition import Dashboard
from observability.dashboards.live import Prometheus, PrometheusError

RECENT_SECONDS = 300.0
"""How far back a sample counts."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one query brought: lines, seconds since the newest point (None: there is none), and what is wrong."""

    page: str
    panel: str
    query: str
    series: int
    age: float | None
    moves_under: str
    needs: str = ""
    error: str = ""

    @property
    def ok(self) -> bool:
        """Whether it shows what it is meant to; nothing is right where it takes a fault or another server."""
        return not self.error and bool(self.series or self.moves_under or self.needs)


def check(pages: Iterable[Dashboard], prometheus: Prometheus, present: Container[str]) -> Iterator[Finding]:
    """One finding for each query, as they come; `present` holds the processes that run."""
    for page in pages:
        for panel in page.panels():
            for query in panel.queries:
                needs = "" if panel.needs in present else panel.needs
                try:
                    lines = prometheus.series(query, seconds=RECENT_SECONDS)
                except PrometheusError as error:
                    yield Finding(page.uid, panel.title, query.expr, 0, None, panel.moves_under, needs, str(error))
                    continue
                newest = max((line.points[-1][0] for line in lines), default=None)
                age = None if newest is None else max(0.0, time.time() - newest)
                yield Finding(page.uid, panel.title, query.expr, len(lines), age, panel.moves_under, needs)
