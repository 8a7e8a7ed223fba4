"""A page as Grafana's JSON, through Grafana's own builders."""

import json
from typing import Any

from grafana_foundation_sdk.builders import common as looks
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models

from observability.dashboards.definition import Dashboard, Panel, Query, Shape, Threshold, Variable

PROMETHEUS = "prometheus"
"""Uid of the data source; provisioning gives it this one."""

REFRESH = "5s"
"""As often as Prometheus looks."""

GREEN, YELLOW, RED = "green", "yellow", "red"
"""Well, worth a look, wrong: the same on every page."""

FAULTS = 'faults_active{type!=""} > 0'
"""When something was being broken: a mark on every page."""


def render(page: Dashboard) -> str:
    """The JSON that Grafana provisions."""
    builder = (
        builders.Dashboard(page.title)
        .uid(page.uid)
        .description(page.description)
        .tags(["stormglass"])
        .editable()
        .refresh(REFRESH)
        .time("now-15m", "now")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .annotation(_faults())
        .link(_other_pages())
    )
    for variable in page.variables:
        builder = builder.with_variable(_variable(variable))
    for row in page.rows:
        if row.title:
            builder = builder.with_row(builders.Row(row.title))
        for panel in row.panels:
            builder = builder.with_panel(_panel(panel))
    return json.dumps(builder.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _source() -> models.DataSourceRef:
    return models.DataSourceRef(type_val="prometheus", uid=PROMETHEUS)


def _other_pages() -> builders.DashboardLink:
    link = builders.DashboardLink("Other pages").type(models.DashboardLinkType.DASHBOARDS).tags(["stormglass"])
    return link.as_dropdown(as_dropdown=True).keep_time(keep_time=True)


def _faults() -> builders.AnnotationQuery:
    mark = builders.AnnotationQuery().name("Faults").datasource(_source()).enable(enable=True)
    return mark.icon_color(RED).expr(FAULTS)


def _variable(variable: Variable) -> builders.QueryVariable:
    return (
        builders.QueryVariable(variable.name)
        .datasource(_source())
        .query(f"label_values({variable.metric}, {variable.label})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".*")
    )


def _panel(panel: Panel) -> Any:
    description = panel.description + (f" Moves under chaos: {panel.moves_under}." if panel.moves_under else "")
    drawn: Any = (
        _BUILDERS[panel.shape]()
        .title(panel.title)
        .description(description)
        .datasource(_source())
        .unit(panel.unit.value)
        .span(panel.width)
        .height(panel.height)
        .no_value("nothing" if panel.moves_under else "no data")
    )
    if panel.threshold:
        drawn = drawn.thresholds(_thresholds(panel.threshold))
    for index, query in enumerate(panel.queries):
        drawn = drawn.with_target(_target(query, chr(ord("A") + index), instant=panel.shape is Shape.TABLE))
    return drawn


def _lines() -> timeseries.Panel:
    legend = looks.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST)
    legend = legend.placement(common.LegendPlacement.BOTTOM)
    tooltip = looks.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
    lines = timeseries.Panel().legend(legend.show_legend(show_legend=True)).tooltip(tooltip)
    # a replica that is gone ends; a scrape that was late does not tear its line
    return lines.min(0).line_width(1.5).fill_opacity(8).show_points(common.VisibilityMode.NEVER).span_nulls(15_000.0)


def _stack() -> timeseries.Panel:
    return _lines().fill_opacity(40).stacking(looks.StackingConfig().mode(common.StackingMode.NORMAL))


def _number() -> stat.Panel:
    reduced = looks.ReduceDataOptions().calcs(["lastNotNull"])
    return stat.Panel().reduce_options(reduced).graph_mode(common.BigValueGraphMode.AREA)


def _states() -> statetimeline.Panel:
    return statetimeline.Panel().show_value(common.VisibilityMode.NEVER).merge_values(merge_values=True)


_BUILDERS: dict[Shape, Any] = {
    Shape.LINES: _lines,
    Shape.STACK: _stack,
    Shape.NUMBER: _number,
    Shape.STATES: _states,
    Shape.TABLE: table.Panel,
}


def _target(query: Query, reference: str, *, instant: bool) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).ref_id(reference).exemplar(query.exemplars)
    target = target.legend_format(query.legend or "__auto")
    return target.instant() if instant else target.range()


def _thresholds(wanted: Threshold) -> builders.ThresholdsConfig:
    worse = RED if wanted.bad else YELLOW
    first, then = (worse, GREEN) if wanted.below else (GREEN, worse)
    steps = [models.Threshold(value=None, color=first), models.Threshold(value=wanted.value, color=then)]
    return builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)
