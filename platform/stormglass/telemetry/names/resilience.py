"""What the platform did because something was slow or away: deadlines, retries, fallbacks."""

from stormglass.telemetry.names.metric import Metric
from stormglass.telemetry.names.servers import PROCESSES, SERVICES

DEADLINE_EXCEEDED = Metric(
    "deadline_exceeded_total",
    "Requests and jobs given up because their deadline had passed",
    ("where",),
    cardinality=4,
    why="where: gateway (no answer to the client in time), handler (in a service), reservation (an order that was "
    "refused for it), job (a worker's)",
    unit="{request}",
    served_by=(*SERVICES, "worker"),
    values={"where": ("gateway", "handler", "reservation", "job")},
    zeros=True,
)
FALLBACKS = Metric(
    "fallback_total",
    "Answers that came from a fallback because a dependency failed",
    ("dependency", "fallback"),
    cardinality=24,
    why="dependency: what failed; fallback: what was done instead (docs/architecture.md names each)",
    unit="{answer}",
    served_by=SERVICES,
    values={
        "fallback": (
            "origin",
            "stale_cache",
            "invalidation_delayed",
            "local_limiter",
            "last_good_keys",
            "last_good_document",
            "remembered_credential",
            "revocation_unchecked",
            "delayed_revocation",
            "partial_answer",
            "no_stock_look",
            "reservation_expiry",
        )
    },
)
RETRIES = Metric(
    "retry_total",
    "Calls that were tried again",
    ("dependency",),
    cardinality=3,
    why="at the gateway: once, if nothing was sent yet and the request may be repeated; jobs: job_retries_total; "
    "edge and balancer: traefik_service_retries_total",
    unit="{call}",
    served_by=("gateway",),
    values={"dependency": ("users", "products", "orders")},
    zeros=True,
)
DEPENDENCY_UP = Metric(
    "dependency_up",
    "Whether a dependency answered the last health check: 1, or 0",
    ("dependency",),
    cardinality=6,
    why="set by whoever asks /readyz, which the load balancer does five times a second",
    unit="1",
    served_by=PROCESSES,
)
