"""Every metric of the platform: name, unit, labels, cardinality, and why its buckets are where they are.

Names follow OpenTelemetry's semantic conventions in their Prometheus spelling where there is one. A label never holds
an id, a raw path or anything else a client can choose.
"""

from dataclasses import dataclass
from functools import cache

from prometheus_client import Counter, Gauge, Histogram

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""From a cached read (1 ms) to the default deadline (10 s), three buckets a decade: enough to tell 40 from 60 ms."""

JOB_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""From an idle queue's pick-up to a retry that waited five minutes; 10 s is the freshness objective."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `cardinality` bounds the series one process can make of it; `why` explains buckets or labels."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    cardinality: int = 1
    buckets: tuple[float, ...] = ()
    why: str = ""

    def histogram(self) -> Histogram:
        """The process' histogram of this name; the same object at every call."""
        return _histogram(self)

    def counter(self) -> Counter:
        """The process' counter of this name; the same object at every call."""
        return _counter(self)

    def gauge(self) -> Gauge:
        """The process' gauge of this name; the same object at every call."""
        return _gauge(self)


@cache
def _histogram(metric: Metric) -> Histogram:
    return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets)


@cache
def _counter(metric: Metric) -> Counter:
    return Counter(metric.name, metric.help, metric.labels)


@cache
def _gauge(metric: Metric) -> Gauge:
    return Gauge(metric.name, metric.help, metric.labels)


HTTP_SERVER_DURATION = Metric(
    "http_server_request_duration_seconds",
    "Time from the first byte of a request to the last byte of its answer",
    ("http_request_method", "http_route", "http_response_status_code"),
    cardinality=400,
    buckets=LATENCY_BUCKETS,
    why="routes are templates; requests that match none share one empty route",
)
HTTP_SERVER_ACTIVE = Metric(
    "http_server_active_requests",
    "Requests being answered now",
    ("http_request_method",),
    cardinality=10,
)
HTTP_CLIENT_DURATION = Metric(
    "http_client_request_duration_seconds",
    "Time a call to another service took, seen from the caller",
    ("server", "http_request_method", "http_response_status_code"),
    cardinality=100,
    buckets=LATENCY_BUCKETS,
    why="server is the service's name; a call without an answer has the status code 0",
)
DEADLINE_EXCEEDED = Metric(
    "deadline_exceeded_total",
    "Requests given up because their deadline had passed",
    ("where",),
    cardinality=8,
)
FALLBACKS = Metric(
    "fallback_total",
    "Answers that came from a fallback because a dependency failed",
    ("dependency", "fallback"),
    cardinality=20,
)
RETRIES = Metric("retry_total", "Calls that were tried again", ("dependency",), cardinality=10)
CACHE_REQUESTS = Metric(
    "cache_requests_total",
    "Reads through the cache by what became of them",
    ("cache", "result"),
    cardinality=30,
    why="result: hit, miss, stale (served because the origin failed), bypass (the cache could not be asked); at the "
    "gateway also validated (stale, and the service says it still holds), collapsed (another request fetched it), "
    "revalidating (stale, while it is fetched anew), request (the client wanted none)",
)
CACHE_ORIGIN = Metric(
    "cache_origin_requests_total",
    "Loads from the origin behind a cache",
    ("cache", "outcome"),
    cardinality=10,
)
GATEWAY_CACHE_BYTES = Metric(
    "gateway_cache_size_bytes", "What the entries of the gateways' shared cache take, as it was last accounted for"
)
GATEWAY_CACHE_STORES = Metric(
    "gateway_cache_stores_total",
    "Answers that were to be stored, by what became of them",
    ("outcome",),
    cardinality=10,
    why="outcome: stored, invalidated (its fetch began before a change), older (a later one is there), late, lost "
    "(Redis has forgotten everything meanwhile), too-large, unreachable",
)
GATEWAY_CACHE_EVICTED = Metric("gateway_cache_evicted_total", "Entries that made room for others")
GATEWAY_CACHE_INVALIDATIONS = Metric(
    "gateway_cache_invalidations_total",
    "Changes that made entries worthless",
    ("outcome",),
    cardinality=2,
    why="outcome: done (before the answer left), delayed (Redis was away; done as soon as it is back)",
)
DEPENDENCY_UP = Metric(
    "dependency_up",
    "Whether a dependency answered the last health check: 1, or 0",
    ("dependency",),
    cardinality=6,
    why="set by whoever asks /readyz, which the load balancer does five times a second",
)
MAILSINK_MESSAGES = Metric(
    "mailsink_messages_total",
    "Mails that the local mail server took",
    ("copy",),
    cardinality=2,
    why="copy: first, or repeated (its message id is known already, which nobody's mail should be)",
)
DB_POOL_IN_USE = Metric(
    "db_pool_connections_in_use", "Connections handed out by the pool", ("database",), cardinality=2
)
DB_POOL_WAITING = Metric(
    "db_client_connection_pending_requests", "Who waits for a connection of the pool now", ("database",), cardinality=2
)
DB_POOL_WAIT = Metric(
    "db_client_connection_wait_time_seconds",
    "Time until the pool handed a connection out, opening one included",
    ("database",),
    cardinality=2,
    buckets=LATENCY_BUCKETS,
    why="an idle connection takes well under 1 ms, a new one some 10 ms, the pool's time-out ends the wait",
)
DB_POOL_TIMEOUTS = Metric(
    "db_client_connection_timeouts_total", "Waits for a connection of the pool that were given up"
)
DB_OPERATION = Metric(
    "db_client_operation_duration_seconds",
    "Time a statement took, seen from the client",
    ("database", "db_operation_name"),
    cardinality=14,
    buckets=LATENCY_BUCKETS,
    why="db_operation_name: the statement's first word, of a fixed list",
)
DB_TRANSACTIONS = Metric(
    "db_transactions_total",
    "Transactions by how they ended; reading without a transaction ends in a rollback, which costs nothing",
    ("database", "outcome"),
    cardinality=4,
    why="outcome: committed, rolled_back",
)
DB_POOL_LIMIT = Metric("db_pool_connections_limit", "Connections the pool may open", ("database",), cardinality=2)
RATE_LIMITED = Metric("gateway_rate_limited_total", "Requests refused by a rate limit", ("policy",), cardinality=10)
AUTH_FAILURES = Metric(
    "gateway_auth_failures_total",
    "Requests refused because of the credential they showed, or showed none",
    ("reason",),
    cardinality=24,
)
GATEWAY_REFUSED = Metric(
    "gateway_refused_requests_total",
    "Requests refused because they were malformed or ambiguous",
    ("reason",),
    cardinality=16,
)
TOKEN_CACHE = Metric(
    "gateway_token_cache_requests_total",
    "Look-ups of credentials among those verified before",
    ("result",),
    cardinality=2,
    why="result: hit, miss",
)
SIGNING_KEYS = Metric(
    "users_signing_keys",
    "Keys that access tokens are or were signed with",
    ("state",),
    cardinality=3,
    why="state: next, signing, retiring; a rotation takes a key through all three",
)
KEYS_REFRESHED = Metric(
    "gateway_keys_refreshed_timestamp_seconds",
    "When the key set that tokens are verified with was asked for, by the last attempt that succeeded",
    why="a rotation is over when this is later than the publication of the new key on every gateway",
)
OUTBOX_WAITING = Metric("outbox_waiting_rows", "Events in the outbox that the queue has not accepted yet")
OUTBOX_OLDEST = Metric(
    "outbox_oldest_age_seconds", "Age of the oldest event in the outbox that the queue has not accepted yet"
)
OUTBOX_DELIVERED = Metric(
    "outbox_delivered_total",
    "Events handed to the queue",
    ("reason",),
    cardinality=2,
    why="reason: new, or overdue (handed over again because no worker finished it in time)",
)
OUTBOX_ERRORS = Metric("outbox_relay_errors_total", "Rounds of the relay that failed", ("cause",), cardinality=4)
QUEUE_DEPTH = Metric("queue_depth_jobs", "Jobs waiting in the queue")
QUEUE_WAIT = Metric(
    "queue_wait_seconds",
    "Time from enqueueing a job to its start",
    ("task",),
    10,
    JOB_BUCKETS,
    "an idle queue picks up within 10–50 ms; a retry may wait minutes",
)
JOB_DURATION = Metric(
    "job_duration_seconds",
    "Time a job ran",
    ("task", "outcome"),
    40,
    JOB_BUCKETS,
    "outcome: done, retry, dead",
)
DEAD_LETTERS = Metric("dead_letters_total", "Jobs given up after their last attempt", ("task",), cardinality=10)
MAIL = Metric(
    "mail_total",
    "Mails by what became of them",
    ("outcome",),
    cardinality=5,
    why="outcome: sent, found (unsure whether sent; the server had it), skipped (already recorded), failed",
)
ORDERS = Metric(
    "orders_total",
    "Orders by what became of them",
    ("outcome",),
    cardinality=6,
    why="outcome: placed, replayed, refused, confirmed, cancelled",
)
ORDER_SETTLEMENT = Metric(
    "order_settlement_seconds",
    "Time from an order's acknowledgement to its end: confirmed or cancelled",
    ("outcome",),
    cardinality=2,
    buckets=JOB_BUCKETS,
    why="outcome: confirmed, cancelled; 10 s is the objective",
)
RESERVATIONS = Metric(
    "reservations_total",
    "Reservations by what became of them",
    ("outcome",),
    cardinality=8,
    why="outcome: reserved, refused, confirmed, released, expired",
)
SWEEPER_ERRORS = Metric(
    "reservations_sweeper_errors_total", "Rounds of the sweeper of expired reservations that failed", ("cause",), 2
)
EVENT_LOOP_LAG = Metric(
    "process_event_loop_lag_seconds",
    "How late the event loop was for something that it was meant to do four times a second",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
    why="an idle loop is under 1 ms late; from 100 ms on customers notice",
)
SPANS_DROPPED = Metric(
    "telemetry_spans_dropped_total",
    "Spans that were never delivered",
    ("reason",),
    cardinality=4,
    why="reason: queue_full, export_failed, shutdown",
)
SPANS_EXPORTED = Metric("telemetry_spans_exported_total", "Spans delivered to the trace pipeline")
SPAN_QUEUE = Metric("telemetry_span_queue_length", "Finished spans waiting for export")
FAULTS_ACTIVE = Metric(
    "faults_active",
    "Faults that are in place or not certainly undone",
    ("type",),
    cardinality=40,
    why="type: one of the kinds that `stormglass fault types` lists",
)
FAULTS = Metric(
    "faults_total",
    "Faults by what became of them",
    ("type", "outcome"),
    cardinality=120,
    why="outcome: put, failed (could not be put), ended (certainly undone)",
)
FAULT_UNDO_FAILURES = Metric(
    "fault_undo_failures_total", "Attempts to undo a fault that failed and are repeated", ("type",), cardinality=40
)
