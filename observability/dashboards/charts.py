"""Lines and states over time, as plotly.js draws them: what was being broken is a band behind them, a request is a dot.

Plain dictionaries, for the objects of Plotly's Python side check every value of every line, which takes ten times as
long as everything else.
"""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from observability.dashboards import colours
from observability.dashboards.definition import Panel, Shape, Threshold, Unit
from observability.dashboards.live import STEP_SECONDS, Exemplar, Series

PIXELS_A_UNIT = 38
HEAD_PIXELS = 54
"""What the title and the description take of a panel's height."""

_HEAD_OF_STATES, _PIXELS_A_STATE = 44, 22

MOST_DOTS = 150
"""Beyond that, the fastest requests are left out."""

MOST_NAMES = 9
"""A legend with more names leaves no room for the lines."""

_INK, _GRID = "#334155", "#e8edf3"
_TIMES: dict[str, Any] = {"type": "date", "tickformat": "%H:%M", "nticks": 6, "showgrid": False}
_BAND: dict[str, Any] = {"fillcolor": colours.FAULT, "opacity": 0.13, "line": {"width": 0}, "layer": "below"}

_GAP_SECONDS = 3 * STEP_SECONDS
"""A line ends where nothing was seen for longer: a replica that is gone does not go on as a straight line."""

Drawn: TypeAlias = dict[str, Any]
"""A piece of a figure in the words of plotly.js (Plotly's "Figure Reference")."""

_AXES: dict[Unit, dict[str, Any]] = {
    Unit.SECONDS: {"tickformat": "~s", "ticksuffix": "s"},
    Unit.SHARE: {"tickformat": ".3~p"},
    Unit.PER_SECOND: {"tickformat": "~g", "ticksuffix": "/s"},
    Unit.OPERATIONS: {"tickformat": "~g", "ticksuffix": "/s"},
    Unit.BYTES: {"tickformat": ".3~s", "ticksuffix": "B"},
    Unit.MONEY: {"tickformat": "~s", "ticksuffix": " €"},
    Unit.COUNT: {"tickformat": "~g"},
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What was being broken from `begin` to `end` (seconds since the epoch)."""

    begin: float
    end: float
    kind: str
    target: str


def chart(
    panel: Panel,
    lines: Sequence[tuple[str, Series]],
    dots: Sequence[Exemplar],
    faults: Sequence[Fault],
    *,
    seconds: float,
    now: float,
) -> str:
    """A panel over the `seconds` before `now`, as JSON for Plotly."""
    states = panel.shape is Shape.STATES
    data = [_states(panel, lines)] if states else [*_lines(panel, lines), *([_dots(dots[:MOST_DOTS])] if dots else [])]
    begin = now - seconds
    shapes = [_band(fault, begin) for fault in faults]
    layout: Drawn = {
        "height": _height(panel, len(lines)),
        "margin": {"l": 8, "r": 10, "t": 16, "b": 22},
        "legend": {"orientation": "h", "y": 0, "yref": "container", "yanchor": "bottom", "font": {"size": 10}},
        "showlegend": not states,
        "font": {"size": 11, "color": _INK},
        "plot_bgcolor": "#fff",
        "hovermode": "closest" if dots or states else "x unified",
        "xaxis": {"range": [_time(begin), _time(now)], **_TIMES},
        "yaxis": {"automargin": True, "gridcolor": _GRID, "zerolinecolor": _GRID, **_axis(panel)},
        "annotations": [_name(fault, begin, now) for fault in faults],
    }
    layout["shapes"] = shapes + ([] if states else _limit(panel, lines))
    return json.dumps({"data": data, "layout": layout}, separators=(",", ":"), ensure_ascii=False)


def _axis(panel: Panel) -> Drawn:
    if panel.shape is Shape.STATES:
        # one line for each name, however many there are
        return {"type": "category", "autorange": "reversed", "dtick": 1, "tickfont": {"size": 10}}
    return {"rangemode": "tozero", **_AXES.get(panel.unit, {})}


def _band(fault: Fault, begin: float) -> Drawn:
    times = {"x0": _time(max(fault.begin, begin)), "x1": _time(fault.end)}
    return {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, **times, **_BAND}


def _name(fault: Fault, begin: float, now: float) -> Drawn:
    # what begins far to the right would run out of the picture
    late = fault.begin > begin + (now - begin) * 0.6
    place = {"x": _time(fault.end if late else max(fault.begin, begin)), "xanchor": "right" if late else "left"}
    look = {"showarrow": False, "font": {"size": 9, "color": colours.FAULT}}
    return {"text": f"{fault.kind} {fault.target}", "y": 1, "yref": "paper", "yanchor": "bottom", **place, **look}


def _limit(panel: Panel, lines: Sequence[tuple[str, Series]]) -> list[Drawn]:
    worst = max((value for _, line in lines for _, value in line.points), default=0.0)
    # a limit that nothing comes near to would press every line to the ground
    if panel.threshold is None or worst <= panel.threshold.value / 4:
        return []
    look = {"dash": "dot", "width": 1, "color": colours.BAD if panel.threshold.bad else colours.WATCH}
    across = {"xref": "paper", "x0": 0, "x1": 1, "y0": panel.threshold.value, "y1": panel.threshold.value}
    return [{"type": "line", "line": look, **across}]


def _height(panel: Panel, names: int) -> int:
    whole = panel.height * PIXELS_A_UNIT - HEAD_PIXELS
    # a single state as high as the panel would look like an alarm
    return min(whole, _HEAD_OF_STATES + names * _PIXELS_A_STATE) if panel.shape is Shape.STATES else whole


def _lines(panel: Panel, named: Sequence[tuple[str, Series]]) -> Iterator[Drawn]:
    rules = colours.rules(query.legend for query in panel.queries)
    wheel = iter(colours.PALETTE * (len(named) // len(colours.PALETTE) + 1))
    told = _told(named)
    for name, line in named:
        shade = colours.colour(name, rules) or next(wheel)
        points = list(_torn(line))
        yield {
            "type": "scatter",
            "x": [_time(at) for at, _ in points],
            "y": [value for _, value in points],
            "name": name or panel.title,
            "mode": "lines",
            "showlegend": name in told,
            # a layer that is nothing must not leave its outline on the one below
            "line": {"width": 0 if panel.shape is Shape.STACK else 1.6, "color": shade},
            **({"stackgroup": "all", "fillcolor": _see_through(shade)} if panel.shape is Shape.STACK else {}),
        }


def _told(named: Sequence[tuple[str, Series]]) -> set[str]:
    """The names in the legend: of too many those of the highest lines, for the others tell theirs when touched."""
    highest = sorted(named, key=lambda each: max(value for _, value in each[1].points), reverse=True)
    return {name for name, _ in highest[:MOST_NAMES]}


def _torn(line: Series) -> Iterator[tuple[float, float | None]]:
    before: float | None = None
    for at, value in line.points:
        if before is not None and at - before > _GAP_SECONDS:
            yield before + STEP_SECONDS, None
        yield at, value
        before = at


def _states(panel: Panel, named: Sequence[tuple[str, Series]]) -> Drawn:
    """One line of blocks for each name; what was not seen is left blank."""
    times = sorted({at for _, line in named for at, _ in line.points})
    values = [dict(line.points) for _, line in named]
    words = dict(panel.words)
    return {
        "type": "heatmap",
        "x": [_time(at) for at in times],
        "y": [name or panel.title for name, _ in named],
        "z": [[_grade(panel.threshold, each[at]) if at in each else None for at in times] for each in values],
        "text": [[words.get(int(each[at]), f"{each[at]:g}") if at in each else "" for at in times] for each in values],
        "hovertemplate": "%{y}: %{text}<br>%{x}<extra></extra>",
        "hoverongaps": False,
        "colorscale": [[0, colours.GOOD], [0.5, colours.WATCH], [1, colours.BAD]],
        "zmin": 0,
        "zmax": 2,
        "showscale": False,
        "ygap": 3,
    }


def _grade(limit: Threshold | None, value: float) -> int:
    return 0 if limit is None or not limit.passed(value) else 2 if limit.bad else 1


def _dots(dots: Sequence[Exemplar]) -> Drawn:
    return {
        "type": "scatter",
        "x": [_time(each.at) for each in dots],
        "y": [each.value for each in dots],
        "customdata": [each.trace_id for each in dots],
        "name": "one request",
        "mode": "markers",
        "marker": {"size": 5, "symbol": "diamond", "color": colours.EXEMPLAR, "opacity": 0.45},
        "hovertemplate": "%{y:.3~s}s at %{x}<br>stormglass trace %{customdata}<extra></extra>",
    }


def _see_through(shade: str) -> str:
    red, green, blue = (int(shade[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.55)"


def _time(seconds: float) -> str:
    # whoever looks at the page thinks in the time of the machine that drew it
    return dt.datetime.fromtimestamp(seconds).astimezone().replace(tzinfo=None).isoformat(timespec="milliseconds")
