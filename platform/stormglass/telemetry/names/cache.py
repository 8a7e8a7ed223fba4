"""Caches: the services' read-through cache and the gateways' shared one."""

from stormglass.telemetry.names.metric import Metric
from stormglass.telemetry.names.servers import SERVICES

CACHE_REQUESTS = Metric(
    "cache_requests_total",
    "Reads through the cache by what became of them",
    ("cache", "result"),
    cardinality=8,
    why="one cache a service; stale: served because the origin failed; bypass: the cache could not be asked; at the "
    "gateway also validated (stale, and the service says it still holds), collapsed (another request fetched it), "
    "revalidating (stale, while it is fetched anew), request (the client wanted none)",
    unit="{read}",
    served_by=SERVICES,
    values={
        "cache": ("gateway", "users", "products", "stock"),
        "result": ("hit", "miss", "stale", "bypass", "validated", "collapsed", "revalidating", "request"),
    },
)
CACHE_ORIGIN = Metric(
    "cache_origin_requests_total",
    "Loads from the origin behind a cache",
    ("cache", "outcome"),
    cardinality=2,
    why="divided by cache_requests_total: the share of reads that the origin feels",
    unit="{load}",
    served_by=SERVICES,
    values={"cache": ("gateway", "users", "products", "stock"), "outcome": ("loaded", "failed")},
)
GATEWAY_CACHE_BYTES = Metric(
    "gateway_cache_size_bytes",
    "What the entries of the gateways' shared cache take, as it was last accounted for",
    unit="By",
    served_by=("gateway",),
)
GATEWAY_CACHE_STORES = Metric(
    "gateway_cache_stores_total",
    "Answers that were to be stored, by what became of them",
    ("outcome",),
    cardinality=7,
    why="outcome: stored, invalidated (its fetch began before a change), older (a later one is there), late, lost "
    "(Redis has forgotten everything meanwhile), too-large, unreachable",
    unit="{answer}",
    served_by=("gateway",),
    values={"outcome": ("stored", "invalidated", "older", "late", "lost", "too-large", "unreachable")},
    zeros=True,
)
GATEWAY_CACHE_EVICTED = Metric(
    "gateway_cache_evicted_total", "Entries that made room for others", unit="{entry}", served_by=("gateway",)
)
GATEWAY_CACHE_INVALIDATIONS = Metric(
    "gateway_cache_invalidations_total",
    "Changes that made entries worthless",
    ("outcome",),
    cardinality=2,
    why="outcome: done (before the answer left), delayed (Redis was away; done as soon as it is back)",
    unit="{change}",
    served_by=("gateway",),
    values={"outcome": ("done", "delayed")},
    zeros=True,
)
