"""Every query of every panel, asked of the running platform: a panel without data is a promise that is not kept."""

import time
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace

from observability.dashboards.definition import Dashboard, Panel, Query, Shape
from observability.dashboards.live import Prometheus, PrometheusError
from observability.dashboards.tempo import TraceSearch, TraceSearchError

LOOK_SECONDS = 300.0
"""How far back metrics are asked: what was there tells for how long it has been gone."""

FRESH_SECONDS = 60.0
"""Age up to which an answer is of now: what a fault of some minutes ago has left behind is not."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one query brought: lines or traces, seconds since the newest (None: there is none), and what is wrong.

    `moves_under` and `needs` are its excuses: the fault without which, the missing process without which it is empty.
    """

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
        """Whether it shows what it is meant to, of now; nothing is right where it takes a fault or another server."""
        fresh = self.age is not None and self.age <= FRESH_SECONDS
        return not self.error and bool(fresh or self.moves_under or self.needs)


def check(
    pages: Iterable[Dashboard], prometheus: Prometheus, traces: TraceSearch, present: Container[str]
) -> Iterator[Finding]:
    """One finding for each query, as they come; `present` holds the processes that can run here."""
    for page in pages:
        for panel in page.panels():
            needs = "" if panel.needs in present else panel.needs
            blank = Finding(page.uid, panel.title, "", 0, None, panel.moves_under, needs)
            for query in panel.queries:
                yield _metrics(replace(blank, query=query.expr), panel, query, prometheus)
            if panel.traces:
                yield _traces(replace(blank, query=panel.traces), traces)


def _metrics(found: Finding, panel: Panel, query: Query, prometheus: Prometheus) -> Finding:
    ask = prometheus.now if panel.shape is Shape.TABLE else prometheus.series
    try:
        lines = ask(query, seconds=LOOK_SECONDS)
    except PrometheusError as error:
        return replace(found, error=str(error))
    return _with(found, [line.points[-1][0] for line in lines])


def _traces(found: Finding, traces: TraceSearch) -> Finding:
    try:
        # a search ends at its limit, with whichever traces it has found: older ones must not be among them
        return _with(found, traces.starts(found.query, seconds=FRESH_SECONDS))
    except TraceSearchError as error:
        return replace(found, error=str(error))


def _with(found: Finding, times: list[float]) -> Finding:
    return replace(found, series=len(times), age=max(0.0, time.time() - max(times)) if times else None)
