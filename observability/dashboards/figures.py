"""Numbers as a person reads them: with the unit, in few digits, in the colour that says whether they are well."""

import datetime as dt
import html
from collections.abc import Callable, Mapping, Sequence

from observability.dashboards import colours
from observability.dashboards.definition import Panel, Query, Threshold, Unit
from observability.dashboards.live import Series

_WIDE, _HIGH = 200, 26
"""Of the line under a number, in pixels that are stretched."""


def number(panel: Panel, lines: Sequence[Series]) -> str:
    """One large number, and its last minutes as a line."""
    value = sum(line.last for line in lines)
    points = [point for _, point in lines[0].points]
    return (
        f'<div class="number" style="color: {shade(panel.threshold, value)}">{text(panel.unit, value)}</div>'
        f"{_spark(points, shade(panel.threshold, value))}"
    )


def table(panel: Panel, columns: Sequence[tuple[Query, Sequence[Series]]]) -> str:
    """One row for each set of keys, one column for each query."""
    cells: dict[tuple[str, ...], dict[str, str]] = {}
    for query, lines in columns:
        unit = query.unit or panel.unit
        for line in lines:
            key = tuple(line.labels.get(name, "") for name in panel.keys)
            colour = f' style="color: {shade(panel.threshold, line.last)}"' if panel.threshold else ""
            cells.setdefault(key, {})[query.legend] = f"<td{colour}>{html.escape(text(unit, line.last))}</td>"
    legends = [query.legend for query, _ in columns]
    head = "".join(f'<th class="key">{html.escape(name)}</th>' for name in panel.keys)
    head += "".join(f"<th>{html.escape(name)}</th>" for name in legends)
    body = "".join(
        f"<tr>{''.join(f'<th>{html.escape(part)}</th>' for part in key)}"
        f"{''.join(row.get(legend, '<td>–</td>') for legend in legends)}</tr>"
        for key, row in sorted(cells.items())
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def shade(limit: Threshold | None, value: float) -> str:
    """The colour of a value."""
    if limit is None:
        return "inherit"
    return (colours.BAD if limit.bad else colours.WATCH) if limit.passed(value) else colours.GOOD


def text(unit: Unit, value: float) -> str:
    """A value as a person reads it."""
    return _SAID.get(unit, "{:.4g}".format)(value)


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.3g} s" if seconds < 120 else f"{seconds / 60:.3g} min"


def _share(part: float) -> str:
    return f"{part:.2%}" if abs(part) < 10 else f"{part:,.0%}"


def _size(count: float) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"


def _clock(milliseconds: float) -> str:
    return f"{dt.datetime.fromtimestamp(milliseconds / 1000).astimezone():%H:%M:%S}"


_SAID: Mapping[Unit, Callable[[float], str]] = {
    Unit.SECONDS: _duration,
    Unit.SHARE: _share,
    Unit.PER_SECOND: "{:.3g}/s".format,
    Unit.OPERATIONS: "{:.3g}/s".format,
    Unit.BYTES: _size,
    Unit.MONEY: "{:.2f} €".format,
    Unit.MOMENT: _clock,
}


def _spark(points: Sequence[float], colour: str) -> str:
    highest = max(*points, 1e-9) if len(points) > 1 else 0
    if not highest:
        return ""
    at = " ".join(
        f"{index * _WIDE / (len(points) - 1):.1f},{_HIGH - 1 - value / highest * (_HIGH - 2):.1f}"
        for index, value in enumerate(points)
    )
    line = f'<polyline points="{at}" fill="none" stroke="currentColor" vector-effect="non-scaling-stroke"/>'
    box = f'viewBox="0 0 {_WIDE} {_HIGH}" preserveAspectRatio="none" aria-hidden="true"'
    return f'<svg class="spark" style="color: {colour}" {box}>{line}</svg>'
