"""The trace store: spans from their arrival to the disk, and their end by age or size."""

from stormglass.telemetry.names.metric import Metric

TRACE_STORE_RECEIVED = Metric(
    "trace_store_spans_received_total",
    "Spans that arrived in requests that could be read",
    unit="{span}",
    served_by=("traces",),
)
TRACE_STORE_STORED = Metric(
    "trace_store_spans_stored_total", "Spans committed to the store", unit="{span}", served_by=("traces",)
)
TRACE_STORE_DUPLICATE = Metric(
    "trace_store_spans_duplicate_total",
    "Spans that arrived again and were stored already",
    unit="{span}",
    served_by=("traces",),
)
TRACE_STORE_DROPPED = Metric(
    "trace_store_spans_dropped_total",
    "Spans that were not stored",
    ("reason",),
    cardinality=4,
    why="all but the invalid ones are answered with 503; of commit_timeout, some may be stored later",
    unit="{span}",
    served_by=("traces",),
    values={"reason": ("queue_full", "commit_failed", "commit_timeout", "invalid")},
    zeros=True,
)
TRACE_STORE_REFUSED = Metric(
    "trace_store_requests_refused_total",
    "Export requests that were refused before their spans could be counted",
    ("reason",),
    cardinality=4,
    why="answered with 503, 400, 413, 415",
    unit="{request}",
    served_by=("traces",),
    values={"reason": ("busy", "malformed", "too_large", "unsupported")},
    zeros=True,
)
TRACE_STORE_RECEIVED_BYTES = Metric(
    "trace_store_received_bytes_total",
    "Bytes of export requests as sent, before decompression",
    unit="By",
    served_by=("traces",),
)
TRACE_STORE_QUEUE = Metric(
    "trace_store_queue_spans", "Spans waiting to be committed", unit="{span}", served_by=("traces",)
)
TRACE_STORE_COMMIT = Metric(
    "trace_store_commit_seconds",
    "Time one transaction took, from its first insert until it was on the disk",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
    why="from an SSD's flush (1 ms) to the time-out after which a sender is told to come back (5 s)",
    unit="s",
    served_by=("traces",),
)
TRACE_STORE_EVICTED_TRACES = Metric(
    "trace_store_traces_evicted_total",
    "Traces deleted by a limit",
    ("reason",),
    cardinality=2,
    unit="{trace}",
    served_by=("traces",),
    values={"reason": ("age", "size")},
    zeros=True,
)
TRACE_STORE_EVICTED_SPANS = Metric(
    "trace_store_spans_evicted_total",
    "Spans deleted by a limit",
    ("reason",),
    cardinality=2,
    unit="{span}",
    served_by=("traces",),
    values={"reason": ("age", "size")},
    zeros=True,
)
TRACE_STORE_DATABASE_BYTES = Metric(
    "trace_store_database_bytes",
    "Size of the database file, without its write-ahead log",
    unit="By",
    served_by=("traces",),
)
