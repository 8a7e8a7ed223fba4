"""Where Grafana leads from a panel: the page that answers the next question, traces and logs in Explore.

Addresses are Grafana's own ("Generate Explore URLs from external tools" in the documentation of Grafana 12, which the
containers run, and 13): the panes are JSON with `${…}` left as it is, for Grafana puts the time that is shown, and the
page's variables, in there.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from observability.dashboards.definition import Panel

PROMETHEUS, TEMPO, LOKI, ALERTMANAGER = "prometheus", "tempo", "loki", "alertmanager"
"""Uids of the data sources; `observability/grafana` gives them these. Each is also the source's type."""

MOST = 50
"""Traces that a search brings."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a panel: what it says, and Grafana's address for it."""

    title: str
    url: str


def page(uid: str) -> str:
    """Another page, with the time that is shown."""
    return f"/d/{uid}?${{__url_time_range}}"


def explore(source: str, query: dict[str, object]) -> str:
    """A query in Explore, over the time that is shown."""
    asked = {"refId": "A", "datasource": {"type": source, "uid": source}, **query}
    pane = {"datasource": source, "queries": [asked], "range": {"from": "${__from}", "to": "${__to}"}}
    return f"/explore?schemaVersion=1&orgId=1&panes={quote(json.dumps({'a': pane}), safe='${}:,')}"


def links(panel: Panel) -> Iterator[Link]:
    """Every way on from a panel, the likeliest first."""
    if panel.leads_to:
        yield Link("What is behind it?", page(panel.leads_to))
    if panel.traces:
        traceql = panel.traces.replace("$service", "${service:regex}")
        yield Link("Traces", explore(TEMPO, {"queryType": "traceql", "query": traceql, "limit": MOST}))
    if panel.logs:
        services = panel.logs.replace("$service", "${service:regex}")
        yield Link("Log lines", explore(LOKI, {"expr": f'{{service_name=~"{services}"}}'}))
