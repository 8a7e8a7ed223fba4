"""The outbox: events between the transaction that made them and the queue that took them."""

from stormglass.telemetry.names.metric import Metric

OUTBOX_WAITING = Metric(
    "outbox_waiting_rows",
    "Events in the outbox that the queue has not accepted yet",
    unit="{row}",
    served_by=("worker",),
)
OUTBOX_OLDEST = Metric(
    "outbox_oldest_age_seconds",
    "Age of the oldest event in the outbox that the queue has not accepted yet",
    unit="s",
    served_by=("worker",),
)
OUTBOX_DELIVERED = Metric(
    "outbox_delivered_total",
    "Events handed to the queue",
    ("reason",),
    cardinality=2,
    why="reason: new, or overdue (handed over again because no worker finished it in time)",
    unit="{event}",
    served_by=("worker",),
    values={"reason": ("new", "overdue")},
    zeros=True,
)
OUTBOX_ERRORS = Metric(
    "outbox_relay_errors_total",
    "Rounds of the relay that failed",
    ("cause",),
    cardinality=2,
    unit="{round}",
    served_by=("worker",),
    values={"cause": ("postgres", "queue")},
    zeros=True,
)
