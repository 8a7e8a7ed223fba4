"""Lines over time, drawn by Plotly; what was being broken is a red band behind them."""

import datetime as dt
from typing import Any

import plotly.graph_objects as go

from observability.dashboards.definition import Panel, Shape, Unit
from observability.dashboards.live import Series

Faulty = tuple[float, float, str]
"""Begin, end (seconds since the epoch) and kind of what was being broken."""

PIXELS_A_UNIT = 38
COLOURS = ("#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6", "#ec4899", "#14b8a6", "#84cc16", "#f97316", "#64748b")
WRONG = "#dc2626"

_AXES: dict[Unit, dict[str, Any]] = {
    Unit.SECONDS: {"ticksuffix": " s"},
    Unit.SHARE: {"tickformat": ".1%"},
    Unit.PER_SECOND: {"ticksuffix": "/s"},
    Unit.OPERATIONS: {"ticksuffix": "/s"},
    Unit.BYTES: {"tickformat": ".3s", "ticksuffix": "B"},
}


def chart(panel: Panel, lines: list[tuple[str, Series]], seconds: float, faults: list[Faulty]) -> str:
    """A panel's lines over the last `seconds`, as a piece of HTML that needs Plotly's script in its page."""
    figure = go.Figure()
    for index, (name, line) in enumerate(sorted(lines, key=lambda each: each[0])):
        figure.add_trace(_trace(panel, name or panel.title, line, COLOURS[index % len(COLOURS)]))
    for begin, end, kind in faults:
        figure.add_vrect(x0=_time(begin), x1=_time(end), fillcolor=WRONG, opacity=0.12, line_width=0)
        figure.add_annotation(x=_time(begin), y=1, yref="paper", text=kind, showarrow=False, xanchor="left")
    now = dt.datetime.now(dt.UTC)
    figure.update_layout(
        template="plotly_white",
        height=panel.height * PIXELS_A_UNIT - 46,
        margin={"l": 44, "r": 8, "t": 8, "b": 24},
        legend={"orientation": "h", "y": -0.15, "font": {"size": 10}},
        showlegend=True,
        font={"size": 11},
        hovermode="x unified",
        xaxis={"range": [now - dt.timedelta(seconds=seconds), now]},
        yaxis={"rangemode": "tozero", **_AXES.get(panel.unit, {})},
    )
    if panel.threshold:
        figure.add_hline(y=panel.threshold.value, line_dash="dot", line_color=WRONG, line_width=1)
    drawn: str = figure.to_html(full_html=False, include_plotlyjs=False, config={"displayModeBar": False})
    return drawn


def _trace(panel: Panel, name: str, line: Series, colour: str) -> go.Scatter:
    stacked = {"stackgroup": "all"} if panel.shape is Shape.STACK else {}
    return go.Scatter(
        x=[_time(at) for at, _ in line.points],
        y=[value for _, value in line.points],
        name=name,
        mode="lines",
        line={"width": 1.6, "color": colour, "shape": "hv" if panel.shape is Shape.STATES else "linear"},
        **stacked,
    )


def _time(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)
