"""Log lines on their way to the collector, in containers; all 0 where they only go to standard output.

For every process, once nothing moves: emitted = exported + dropped + waiting.
"""

from stormglass.telemetry.names.metric import Metric
from stormglass.telemetry.names.servers import TRACED

LOG_RECORDS_EMITTED = Metric(
    "telemetry_log_records_emitted_total",
    "Log lines that are to be exported as log records",
    unit="{record}",
    served_by=TRACED,
)
LOG_RECORDS_EXPORTED = Metric(
    "telemetry_log_records_exported_total",
    "Log records delivered to the collector",
    unit="{record}",
    served_by=TRACED,
)
LOG_RECORDS_DROPPED = Metric(
    "telemetry_log_records_dropped_total",
    "Log records that were never delivered",
    ("reason",),
    cardinality=3,
    why="their lines stand on standard output all the same",
    unit="{record}",
    served_by=TRACED,
    values={"reason": ("queue_full", "export_failed", "shutdown")},
    zeros=True,
)
LOG_EXPORT_ERRORS = Metric(
    "telemetry_log_export_errors_total",
    "Batches of log records that the collector did not take",
    unit="{batch}",
    served_by=TRACED,
)
LOG_QUEUE = Metric(
    "telemetry_log_queue_length",
    "Log records waiting for export, or on their way",
    unit="{record}",
    served_by=TRACED,
)
