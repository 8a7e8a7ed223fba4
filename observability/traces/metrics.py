"""Every metric of the trace store: name, unit, labels, cardinality, and why its buckets are where they are."""

from stormglass.telemetry.names import Metric

RECEIVED = Metric("trace_store_spans_received_total", "Spans that arrived in requests that could be read")
STORED = Metric("trace_store_spans_stored_total", "Spans committed to the store")
DUPLICATE = Metric("trace_store_spans_duplicate_total", "Spans that arrived again and were stored already")
DROPPED = Metric(
    "trace_store_spans_dropped_total",
    "Spans that were not stored",
    ("reason",),
    cardinality=4,
    why="reason: queue_full (503), commit_failed (503), commit_timeout (503; may be stored later), invalid (rejected)",
)
REFUSED = Metric(
    "trace_store_requests_refused_total",
    "Export requests that were refused before their spans could be counted",
    ("reason",),
    cardinality=4,
    why="reason: busy (503), malformed (400), too_large (413), unsupported (415)",
)
RECEIVED_BYTES = Metric("trace_store_received_bytes_total", "Bytes of export requests as sent, before decompression")
QUEUE_SPANS = Metric("trace_store_queue_spans", "Spans waiting to be committed")
COMMIT_SECONDS = Metric(
    "trace_store_commit_seconds",
    "Time one transaction took, from its first insert until it was on the disk",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
    why="from an SSD's flush (1 ms) to the time-out after which a sender is told to come back (5 s)",
)
EVICTED_TRACES = Metric(
    "trace_store_traces_evicted_total", "Traces deleted by a limit", ("reason",), 2, why="reason: age, size"
)
EVICTED_SPANS = Metric(
    "trace_store_spans_evicted_total", "Spans deleted by a limit", ("reason",), 2, why="reason: age, size"
)
DATABASE_BYTES = Metric("trace_store_database_bytes", "Size of the database file, without its write-ahead log")
