"""What the containers publish on the host's loopback, as whoever reads the output of a command inside finds it."""

import json
import os
from urllib.parse import quote

VARIABLES = {
    "the shop, through the edge": ("STORMGLASS_PUBLISHED_EDGE", "/products"),
    "the mails": ("STORMGLASS_PUBLISHED_MAIL", "/"),
    "Grafana": ("STORMGLASS_PUBLISHED_GRAFANA", "/"),
}
"""What it is, the variable with its address, and the page to begin with."""


def published(trace_id: str = "") -> dict[str, str]:
    """Addresses by what is there; with a trace also where Grafana shows it."""
    found = {
        what: os.environ[variable] + path for what, (variable, path) in VARIABLES.items() if os.environ.get(variable)
    }
    if trace_id and "Grafana" in found:
        found["the trace, in Grafana"] = found["Grafana"].rstrip("/") + _explore(trace_id)
    return found


def _explore(trace_id: str) -> str:
    """The path of Grafana's Explore with one trace open (its URL schema 1, by the uid of the provisioned source)."""
    source = {"type": "tempo", "uid": "tempo"}
    query = {"refId": "A", "datasource": source, "queryType": "traceql", "query": trace_id}
    pane = {"a": {"datasource": "tempo", "queries": [query], "range": {"from": "now-1h", "to": "now"}}}
    return f"/explore?schemaVersion=1&panes={quote(json.dumps(pane, separators=(',', ':')))}"
