"""Telemetry about telemetry: what becomes of the spans of a process.

For every process, once nothing moves: ended = exported + dropped + sampled out + waiting + undecided.
"""

from stormglass.telemetry.names.metric import Metric
from stormglass.telemetry.names.servers import TRACED

SAMPLE_RATIO = Metric(
    "telemetry_sample_ratio",
    "Share of the traces begun here that is exported whole; others follow whoever began them",
    unit="1",
    served_by=TRACED,
)
SPANS_ENDED = Metric("telemetry_spans_ended_total", "Spans that ended", unit="{span}", served_by=TRACED)
SPANS_SAMPLED_OUT = Metric(
    "telemetry_spans_sampled_out_total",
    "Spans of traces not chosen, whose part in this process neither failed nor was slow",
    unit="{span}",
    served_by=TRACED,
)
SPANS_KEPT = Metric(
    "telemetry_spans_kept_total",
    "Spans of traces not chosen that are exported nevertheless",
    ("reason",),
    cardinality=2,
    why="the attribute sampling.kept.reason says the same of each span",
    unit="{span}",
    served_by=TRACED,
    values={"reason": ("error", "slow")},
    zeros=True,
)
SPANS_UNDECIDED = Metric(
    "telemetry_spans_undecided",
    "Ended spans of traces not chosen, kept until their part of the trace has ended",
    unit="{span}",
    served_by=TRACED,
)
SPANS_DROPPED = Metric(
    "telemetry_spans_dropped_total",
    "Spans that were never delivered",
    ("reason",),
    cardinality=4,
    why="undecided: a part that did not end in time for the buffer",
    unit="{span}",
    served_by=TRACED,
    values={"reason": ("queue_full", "export_failed", "shutdown", "undecided")},
    zeros=True,
)
EXPORT_ERRORS = Metric(
    "telemetry_export_errors_total",
    "Batches of spans that the trace pipeline did not take",
    why="spans_dropped tells how many spans were in them; this, how often it was tried",
    unit="{batch}",
    served_by=TRACED,
)
SPANS_EXPORTED = Metric(
    "telemetry_spans_exported_total", "Spans delivered to the trace pipeline", unit="{span}", served_by=TRACED
)
SPAN_QUEUE = Metric(
    "telemetry_span_queue_length", "Finished spans waiting for export, or on their way", unit="{span}", served_by=TRACED
)
