"""What the trace store makes of spans: names and labels are Tempo's (Grafana Tempo, "Metrics-generator").

Services and span names come from whoever sends spans, so the number of series is bounded here, not by them.
"""

from stormglass.telemetry.names.buckets import LATENCY_BUCKETS
from stormglass.telemetry.names.metric import Metric

MAX_SPAN_KINDS = 250
"""Different (service, name, kind, status) with series of their own; docs/traces.md says how many the platform has."""

MAX_EDGES = 60
"""Different (client, server, connection type) that get series of their own; the platform has about 20."""

_SPAN = ("service", "span_name", "span_kind", "status_code")
_EDGE = ("client", "server", "connection_type")

SPANMETRICS_CALLS = Metric(
    "traces_spanmetrics_calls_total",
    "Spans by who made them",
    _SPAN,
    cardinality=MAX_SPAN_KINDS + 1,
    why="status_code and span_kind are OTLP's constants; beyond the bound one series called `other` takes the rest",
    unit="{span}",
    served_by=("traces",),
)
SPANMETRICS_LATENCY = Metric(
    "traces_spanmetrics_latency",
    "Duration of spans, in seconds",
    _SPAN,
    cardinality=MAX_SPAN_KINDS + 1,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0),
    why="from an internal step (1 ms) to a request near its deadline (5 s), few because there are many kinds of spans",
    unit="s",
    served_by=("traces",),
)
SERVICE_GRAPH_REQUESTS = Metric(
    "traces_service_graph_request_total",
    "Requests from one service to another",
    _EDGE,
    cardinality=MAX_EDGES + 1,
    why="connection_type: empty, messaging_system, database or virtual_node (one side makes no spans)",
    unit="{request}",
    served_by=("traces",),
)
SERVICE_GRAPH_FAILED = Metric(
    "traces_service_graph_request_failed_total",
    "Requests that were an error on at least one side",
    _EDGE,
    cardinality=MAX_EDGES + 1,
    unit="{request}",
    served_by=("traces",),
)
SERVICE_GRAPH_SERVER = Metric(
    "traces_service_graph_request_server_seconds",
    "Duration of requests as the server saw it",
    _EDGE,
    cardinality=MAX_EDGES + 1,
    buckets=LATENCY_BUCKETS,
    why="those of the platform's request metrics, to compare with them",
    unit="s",
    served_by=("traces",),
)
SERVICE_GRAPH_CLIENT = Metric(
    "traces_service_graph_request_client_seconds",
    "Duration of requests as the client saw it",
    _EDGE,
    cardinality=MAX_EDGES + 1,
    buckets=LATENCY_BUCKETS,
    why="the same: the difference to the server's is the way between them",
    unit="s",
    served_by=("traces",),
)
SERVICE_GRAPH_UNPAIRED = Metric(
    "traces_service_graph_unpaired_spans_total",
    "Spans of one side whose other side did not arrive in time",
    _EDGE,
    cardinality=MAX_EDGES + 1,
    why="the label of the side that is missing is empty",
    unit="{span}",
    served_by=("traces",),
)
SERVICE_GRAPH_DROPPED = Metric(
    "traces_service_graph_dropped_spans_total",
    "Spans that found no room to wait for their other side in",
    unit="{span}",
    served_by=("traces",),
)
GENERATED_REFUSED = Metric(
    "trace_store_generated_series_refused_total",
    "Observations that went to the series `other` because there were too many label sets",
    ("metric",),
    cardinality=2,
    unit="{observation}",
    served_by=("traces",),
    values={"metric": ("spanmetrics", "service_graph")},
    zeros=True,
)
