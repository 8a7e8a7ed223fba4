"""A page as one self-contained HTML file: the same panels from the same definition, drawn by Plotly.

The chart library stands in the file itself: nothing is loaded from anywhere, so that it can be mailed or kept.
"""

import datetime as dt
import html
from collections.abc import Iterable, Iterator

from plotly.offline import get_plotlyjs

from observability.dashboards.charts import PIXELS_A_UNIT, WRONG, Faulty, chart
from observability.dashboards.definition import COLUMNS, Dashboard, Panel, Query, Shape, Unit
from observability.dashboards.live import Prometheus, PrometheusError, Series

WELL, WATCH = "#16a34a", "#ca8a04"

_STYLE = f"""
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 0 auto; padding: 16px; max-width: 1500px; }}
body {{ background: #f8fafc; color: #0f172a; color-scheme: light; }}
h1 {{ font-size: 22px; margin: 0; }}
h2 {{ font-size: 15px; margin: 18px 0 6px; grid-column: 1 / -1; }}
header p {{ margin: 2px 0 10px; color: #475569; }}
.grid {{ display: grid; grid-template-columns: repeat({COLUMNS}, minmax(0, 1fr)); gap: 10px; }}
.panel {{ background: #fff; border: 1px solid #e2e8f0; border-radius: 6px; padding: 8px 10px; overflow: hidden; }}
.panel h3 {{ font-size: 13px; margin: 0; }}
.panel p {{ font-size: 11px; color: #64748b; margin: 0; }}
.number {{ font-size: 34px; font-weight: 600; line-height: 1.5; }}
.empty {{ color: #64748b; padding: 24px 0; text-align: center; }}
@media (max-width: 900px) {{ .panel {{ grid-column: 1 / -1 !important; }} }}
"""


def draw(page: Dashboard, prometheus: Prometheus, *, instance: str, seconds: float = 900.0) -> str:
    """The file's text, with what the last `seconds` held.

    Raises:
        PrometheusError: Prometheus does not answer at all.
    """
    faults = _faults(prometheus, seconds)
    rows = "".join(_row(row.title, _panels(row.panels, prometheus, seconds, faults)) for row in page.rows)
    now = dt.datetime.now().astimezone().isoformat(timespec="seconds")
    told = f"{page.description} Instance {instance}, the last {seconds / 60:g} minutes, {now}."
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(page.title)}</title>'
        f"<style>{_STYLE}</style><script>{get_plotlyjs()}</script></head><body>"
        f"<header><h1>{html.escape(page.title)}</h1><p>{html.escape(told)}</p></header>"
        f'<div class="grid">{rows}</div></body></html>\n'
    )


def _faults(prometheus: Prometheus, seconds: float) -> list[Faulty]:
    return [
        (line.points[0][0], line.points[-1][0], line.labels.get("type", "fault"))
        for line in prometheus.series(Query("faults_active > 0"), seconds=seconds)
    ]


def _row(title: str, panels: Iterator[str]) -> str:
    return (f"<h2>{html.escape(title)}</h2>" if title else "") + "".join(panels)


def _panels(panels: Iterable[Panel], prometheus: Prometheus, seconds: float, faults: list[Faulty]) -> Iterator[str]:
    for panel in panels:
        try:
            lines = [
                (line.name(query.legend), line)
                for query in panel.queries
                for line in prometheus.series(query, seconds=seconds)
            ]
            body = _body(panel, lines, seconds, faults)
        except PrometheusError as error:
            body = f'<div class="empty">{html.escape(str(error))}</div>'
        size = f"grid-column: span {panel.width}; min-height: {panel.height * PIXELS_A_UNIT}px"
        yield (
            f'<section class="panel" style="{size}"><h3>{html.escape(panel.title)}</h3>'
            f"<p>{html.escape(panel.description)}</p>{body}</section>"
        )


def _body(panel: Panel, lines: list[tuple[str, Series]], seconds: float, faults: list[Faulty]) -> str:
    if not lines:
        why = f"nothing; it moves under {panel.moves_under}" if panel.moves_under else "no data"
        return f'<div class="empty">{html.escape(why)}</div>'
    if panel.shape is Shape.NUMBER:
        value = sum(line.points[-1][1] for _, line in lines)
        return f'<div class="number" style="color: {_colour(panel, value)}">{text(panel.unit, value)}</div>'
    if panel.shape is Shape.TABLE:
        cells = (
            f"<tr><td>{html.escape(name)}</td><td>{text(panel.unit, line.points[-1][1])}</td></tr>"
            for name, line in lines
        )
        return f"<table>{''.join(cells)}</table>"
    return chart(panel, lines, seconds, faults)


def _colour(panel: Panel, value: float) -> str:
    if panel.threshold is None:
        return "inherit"
    past = value < panel.threshold.value if panel.threshold.below else value >= panel.threshold.value
    return (WRONG if panel.threshold.bad else WATCH) if past else WELL


def text(unit: Unit, value: float) -> str:
    """A value as a person reads it."""
    match unit:
        case Unit.SECONDS:
            return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"
        case Unit.SHARE:
            return f"{value:.2%}"
        case Unit.PER_SECOND | Unit.OPERATIONS:
            return f"{value:.1f}/s"
        case Unit.BYTES:
            return f"{value / 2**20:.1f} MiB"
        case _:
            return f"{value:g}"
