"""HTTP servers and clients: rate, errors and duration by route template (OpenTelemetry HTTP conventions)."""

from stormglass.telemetry.names.buckets import LATENCY_BUCKETS
from stormglass.telemetry.names.metric import Metric
from stormglass.telemetry.names.servers import HTTP

_METHODS = {
    "http_request_method": ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "_OTHER")
}

HTTP_SERVER_DURATION = Metric(
    "http_server_request_duration_seconds",
    "Time from the first byte of a request to the last byte of its answer",
    ("http_request_method", "http_route", "http_response_status_code"),
    cardinality=400,
    buckets=LATENCY_BUCKETS,
    why="routes are templates; requests that match none share one empty route",
    unit="s",
    served_by=HTTP,
    values=_METHODS,
)
HTTP_SERVER_ACTIVE = Metric(
    "http_server_active_requests",
    "Requests being answered now",
    ("http_request_method",),
    cardinality=10,
    why="methods outside HTTP's own list share one called `_OTHER`",
    values=_METHODS,
    unit="{request}",
    served_by=HTTP,
)
HTTP_CLIENT_DURATION = Metric(
    "http_client_request_duration_seconds",
    "Time a call to another service took, seen from the caller",
    ("server", "http_request_method", "url_template", "http_response_status_code"),
    cardinality=250,
    buckets=LATENCY_BUCKETS,
    why="server: the service's name; url_template: the route asked for; a call without an answer has the status code 0",
    unit="s",
    served_by=("gateway", "orders", "worker"),
)
