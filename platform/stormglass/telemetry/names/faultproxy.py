"""The fault proxy: Toxiproxy's two counters under its names, and what it lacks: connections, failed dials, toxics.

An instance whose fault proxy is Toxiproxy itself serves the first two, without what stands in no connection yet, and
the Go runtime's own metrics beside them.
"""

from stormglass.telemetry.names.metric import Metric

_PROXY = ("proxy", "listener", "upstream")
_WAYS = {"direction": ("upstream", "downstream")}
_PROXIES = 160
"""One proxy an edge; 109 of the topology as it is started, and what scaling adds."""

TOXIPROXY_RECEIVED = Metric(
    "toxiproxy_proxy_received_bytes_total",
    "Bytes received, live connections included",
    ("direction", *_PROXY),
    cardinality=2 * _PROXIES,
    why="listener and upstream are addresses of the instance, one each a proxy",
    unit="By",
    served_by=("faultproxy",),
    values=_WAYS,
    collector="the proxies' own counts",
)
TOXIPROXY_SENT = Metric(
    "toxiproxy_proxy_sent_bytes_total",
    "Bytes sent, live connections included",
    ("direction", *_PROXY),
    cardinality=2 * _PROXIES,
    unit="By",
    served_by=("faultproxy",),
    values=_WAYS,
    collector="the proxies' own counts",
)
TOXIPROXY_ACCEPTED = Metric(
    "toxiproxy_proxy_connections_accepted_total",
    "Clients joined with their upstream",
    _PROXY,
    cardinality=_PROXIES,
    unit="{connection}",
    served_by=("faultproxy",),
    collector="the proxies' own counts",
)
TOXIPROXY_REFUSED = Metric(
    "toxiproxy_proxy_dial_errors_total",
    "Clients turned away because the upstream was unreachable",
    _PROXY,
    cardinality=_PROXIES,
    unit="{connection}",
    served_by=("faultproxy",),
    collector="the proxies' own counts",
)
TOXIPROXY_OPEN = Metric(
    "toxiproxy_proxy_connections",
    "Connections open now",
    _PROXY,
    cardinality=_PROXIES,
    unit="{connection}",
    served_by=("faultproxy",),
    collector="the proxies' own counts",
)
TOXIPROXY_TOXICS = Metric(
    "toxiproxy_toxics",
    "Toxics set now",
    ("proxy", "type", "stream"),
    cardinality=2 * _PROXIES,
    why="type: as Toxiproxy calls them; not by name, which whoever sets one chooses",
    unit="{toxic}",
    served_by=("faultproxy",),
    values={"stream": ("upstream", "downstream")},
    collector="the proxies' own toxics",
)
TOXIPROXY_BUILD = Metric(
    "go_build_info",
    "What is running",
    ("path", "version", "checksum"),
    why="the one Go metric that Toxiproxy's users look for, told about this server",
    unit="1",
    served_by=("faultproxy",),
    collector="a constant",
)
