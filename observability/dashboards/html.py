"""A page as an HTML file that needs nothing else: the same panels from the same definition, drawn by Plotly.

The chart library stands in the file itself and a content security policy forbids to load anything, so that the file can
be mailed or kept. Text and figures come first, the library last: a page can be read before it is drawn.
"""

import datetime as dt
import html
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

from plotly.offline import get_plotlyjs

from observability.dashboards import marks
from observability.dashboards.charts import PIXELS_A_UNIT, Fault, chart
from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape
from observability.dashboards.figures import number, table, text
from observability.dashboards.live import RANGE_SECONDS, STEP_SECONDS, Exemplar, Prometheus, PrometheusError

CSP = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'"
"""The page may run what stands in it, and load nothing."""

_DRAW = """
for (const place of document.querySelectorAll('.chart')) {
  const figure = JSON.parse(place.querySelector('script').textContent);
  Plotly.newPlot(place, figure.data, figure.layout, {displayModeBar: false, responsive: true});
}
"""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a page: the pages beside it by uid and title, and where a trace has a page of its own."""

    pages: tuple[tuple[str, str], ...] = ()
    trace: Callable[[str], str] = lambda trace_id: ""


def draw(
    page: Dashboard,
    prometheus: Prometheus,
    *,
    instance: str,
    seconds: float = RANGE_SECONDS,
    around: Surroundings | None = None,
) -> str:
    """The file's text, with what the last `seconds` held.

    Raises:
        PrometheusError: Prometheus does not answer at all.
    """
    drawing = _Drawing(prometheus, seconds, time.time(), around or Surroundings(), _faults(prometheus, seconds))
    rows = "".join(drawing.row(row) for row in page.rows)
    now = dt.datetime.now().astimezone().isoformat(timespec="seconds")
    told = f"{page.description} Instance {instance}, the last {seconds / 60:g} minutes, {now}."
    style = (files(__package__) / "page.css").read_text(encoding="utf-8")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(page.title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{CSP}">'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head><body>'
        f"<header>{drawing.navigation(page.uid)}<h1>{html.escape(page.title)}</h1><p>{html.escape(told)}</p>"
        f'{drawing.broken()}</header><div class="grid">{rows}</div>'
        f"<script>{get_plotlyjs()}</script><script>{_DRAW}</script></body></html>\n"
    )


def _faults(prometheus: Prometheus, seconds: float) -> list[Fault]:
    """What was being broken; one fault that was put twice is two."""
    found = []
    for line in prometheus.series(Query(marks.FAULTS), seconds=seconds):
        kind, target = line.labels.get("type", "fault"), line.labels.get("target", "")
        begin = end = line.points[0][0]
        for at, _ in line.points[1:]:
            if at - end > 2 * STEP_SECONDS:
                found.append(Fault(begin, end, kind, target))
                begin = at
            end = at
        found.append(Fault(begin, end, kind, target))
    return sorted(found, key=lambda each: each.begin)


@dataclass(frozen=True, slots=True)
class _Drawing:
    prometheus: Prometheus
    seconds: float
    now: float
    around: Surroundings
    faults: list[Fault]

    def navigation(self, here: str) -> str:
        """The other pages, where there are any."""
        ways = (
            f"<b>{html.escape(title)}</b>" if uid == here else f'<a href="{uid}.html">{html.escape(title)}</a>'
            for uid, title in self.around.pages
        )
        return f"<nav>{''.join(ways)}</nav>" if self.around.pages else ""

    def broken(self) -> str:
        """What was being broken, in words."""
        entries = "".join(
            f"<li><b>{html.escape(fault.kind)}</b> {html.escape(fault.target)}, <time>{_clock(fault.begin)}</time> to "
            f"<time>{'now' if self.now - fault.end < 2 * STEP_SECONDS else _clock(fault.end)}</time></li>"
            for fault in self.faults
        )
        return f'<ul class="faults">{entries}</ul>' if entries else ""

    def row(self, row: Row) -> str:
        """A heading and its panels."""
        heading = f"<h2>{html.escape(row.title)}</h2>" if row.title else ""
        return heading + "".join(map(self.panel, row.panels))

    def panel(self, panel: Panel) -> str:
        """One panel."""
        try:
            body = self.body(panel)
        except PrometheusError as error:
            body = _empty(html.escape(str(error)))
        size = f"grid-column: span {panel.width}; min-height: {panel.height * PIXELS_A_UNIT}px"
        return (
            f'<section class="panel" style="{size}"><h3>{self.title(panel)}</h3>'
            f"<p>{_prose(panel.description)}</p>{body}</section>"
        )

    def title(self, panel: Panel) -> str:
        """The question, leading to the page that answers the next one."""
        said = html.escape(panel.title)
        there = any(uid == panel.leads_to for uid, _ in self.around.pages)
        # the arrow would push a number's short title into a second line
        arrow = "" if panel.shape is Shape.NUMBER else " →"
        return f'<a href="{panel.leads_to}.html">{said}{arrow}</a>' if there else said

    def body(self, panel: Panel) -> str:
        """What a panel shows."""
        if panel.shape is Shape.TABLE:
            columns = [(query, self.prometheus.now(query, seconds=self.seconds)) for query in panel.queries]
            return table(panel, columns) if any(lines for _, lines in columns) else _empty(_prose(panel.nothing))
        lines = [
            named
            for query in panel.queries
            for named in sorted(
                ((line.name(query.legend), line) for line in self.prometheus.series(query, seconds=self.seconds)),
                key=lambda each: each[0],
            )
        ]
        if not lines:
            return _empty(_prose(panel.nothing))
        if panel.shape is Shape.NUMBER:
            return number(panel, [line for _, line in lines])
        dots = self.dots(panel)
        drawn = chart(panel, lines, dots, self.faults, seconds=self.seconds, now=self.now).replace("</", "<\\/")
        return f'<div class="chart"><script type="application/json">{drawn}</script></div>{self.slowest(panel, dots)}'

    def dots(self, panel: Panel) -> list[Exemplar]:
        """The requests that are drawn as dots, the slowest first."""
        asked = (query for query in panel.queries if query.exemplars)
        return [dot for query in asked for dot in self.prometheus.exemplars(query, seconds=self.seconds)]

    def slowest(self, panel: Panel, dots: list[Exemplar]) -> str:
        """How to see the slowest request's trace."""
        if not dots:
            return ""
        command = f"<code>stormglass trace {html.escape(dots[0].trace_id)}</code>"
        if where := self.around.trace(dots[0].trace_id):
            command = f'<a href="{where}">its trace</a> · {command}'
        return f"<footer>slowest dot: {text(panel.unit, dots[0].value)} · {command}</footer>"


def _empty(why: str) -> str:
    return f'<div class="empty">{why}</div>'


def _prose(said: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(said))


def _clock(seconds: float) -> str:
    return f"{dt.datetime.fromtimestamp(seconds).astimezone():%H:%M:%S}"
