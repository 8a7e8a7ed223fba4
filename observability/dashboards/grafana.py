"""A page as Grafana's JSON, through Grafana's own builders."""

import json
from typing import Any

from grafana_foundation_sdk.builders import common as looks
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from observability.dashboards import colours, marks
from observability.dashboards.definition import Dashboard, Panel, Query, Shape, Threshold, Variable
from observability.dashboards.links import PROMETHEUS, Link, links

REFRESH = "5s"
"""As often as Prometheus looks."""


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
        .link(_other_pages())
    )
    for variable in page.variables:
        builder = builder.with_variable(_variable(variable))
    for row in page.rows:
        if row.title:
            builder = builder.with_row(builders.Row(row.title))
        for panel in row.panels:
            builder = builder.with_panel(_panel(panel))
    drawn = json.loads(json.dumps(builder.build(), cls=JSONEncoder))
    # the builder knows only half of what an annotation query of Prometheus may say
    drawn["annotations"] = {"list": marks.annotations()}
    return json.dumps(drawn, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _source() -> models.DataSourceRef:
    return models.DataSourceRef(type_val="prometheus", uid=PROMETHEUS)


def _other_pages() -> builders.DashboardLink:
    link = builders.DashboardLink("Other pages").type(models.DashboardLinkType.DASHBOARDS).tags(["stormglass"])
    return link.as_dropdown(as_dropdown=True).keep_time(keep_time=True)


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
        .no_value(panel.nothing)
    )
    if ways := [_link(way) for way in links(panel)]:
        drawn = drawn.links(ways).data_links(ways)
    if panel.threshold:
        drawn = drawn.thresholds(_thresholds(panel.threshold))
        if panel.shape in {Shape.LINES, Shape.STACK}:
            style = looks.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
            drawn = drawn.thresholds_style(style)
    if panel.words:
        said = {str(value): models.ValueMappingResult(text=word) for value, word in panel.words}
        drawn = drawn.mappings([models.ValueMap(options=said)])
    for index, query in enumerate(panel.queries):
        drawn = drawn.with_target(_target(query, chr(ord("A") + index), tabular=panel.shape is Shape.TABLE))
    return _columns(drawn, panel) if panel.shape is Shape.TABLE else _coloured(drawn, panel)


def _link(way: Link) -> builders.DashboardLink:
    return builders.DashboardLink(way.title).type(models.DashboardLinkType.LINK).url(way.url)


def _coloured(drawn: Any, panel: Panel) -> Any:
    # of several overrides Grafana takes the last one, our first rule counts
    for rule in reversed(colours.rules(query.legend for query in panel.queries)):
        fixed = models.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": rule.colour})
        drawn = drawn.override_by_regexp(f"/^{rule.pattern}$/", [fixed])
    return drawn


def _columns(drawn: Any, panel: Panel) -> Any:
    """One row for each set of keys: the queries' tables are merged, the columns named."""
    several = len(panel.queries) > 1
    values = [f"Value #{chr(ord('A') + at)}" if several else "Value" for at in range(len(panel.queries))]
    names = dict(zip(values, (query.legend or panel.title for query in panel.queries), strict=True))
    order = {name: at for at, name in enumerate([*panel.keys, *values])}
    organize = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": names}
    drawn = drawn.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    drawn = drawn.with_transformation(models.DataTransformerConfig(id_val="organize", options=organize))
    drawn = drawn.sort_by([looks.TableSortByFieldState().display_name(panel.keys[0])])
    for query in panel.queries:
        if query.unit:
            unit = models.DynamicConfigValue(id_val="unit", value=query.unit.value)
            drawn = drawn.override_by_name(query.legend, [unit])
    return drawn


def _lines() -> timeseries.Panel:
    legend = looks.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST)
    legend = legend.placement(common.LegendPlacement.BOTTOM)
    tooltip = looks.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
    lines = timeseries.Panel().legend(legend.show_legend(show_legend=True)).tooltip(tooltip)
    by_name = builders.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC_BY_NAME)
    # a replica that is gone ends; a scrape that was late does not tear its line
    lines = lines.min(0).line_width(1.5).fill_opacity(8).color_scheme(by_name)
    return lines.show_points(common.VisibilityMode.NEVER).span_nulls(15_000.0)


def _stack() -> timeseries.Panel:
    return _lines().fill_opacity(40).stacking(looks.StackingConfig().mode(common.StackingMode.NORMAL))


def _number() -> stat.Panel:
    reduced = looks.ReduceDataOptions().calcs(["lastNotNull"])
    return stat.Panel().reduce_options(reduced).graph_mode(common.BigValueGraphMode.AREA)


def _states() -> statetimeline.Panel:
    by_value = builders.FieldColor().mode(models.FieldColorModeId.THRESHOLDS)
    states = statetimeline.Panel().color_scheme(by_value).row_height(0.8)
    return states.show_value(common.VisibilityMode.NEVER).merge_values(merge_values=True)


_BUILDERS: dict[Shape, Any] = {
    Shape.LINES: _lines,
    Shape.STACK: _stack,
    Shape.NUMBER: _number,
    Shape.STATES: _states,
    Shape.TABLE: table.Panel,
}


def _target(query: Query, reference: str, *, tabular: bool) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).ref_id(reference).exemplar(query.exemplars)
    if tabular:
        return target.format(PromQueryFormat.TABLE).instant()
    return target.legend_format(query.legend or "__auto").range()


def _thresholds(wanted: Threshold) -> builders.ThresholdsConfig:
    worse = colours.BAD if wanted.bad else colours.WATCH
    first, then = (worse, colours.GOOD) if wanted.below else (colours.GOOD, worse)
    steps = [models.Threshold(value=None, color=first), models.Threshold(value=wanted.value, color=then)]
    return builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)
