"""Business: orders, what they are worth, and the stock reserved for them."""

from stormglass.telemetry.names.buckets import JOB_BUCKETS
from stormglass.telemetry.names.metric import Metric

ORDERS = Metric(
    "orders_total",
    "Orders by what became of them",
    ("outcome",),
    cardinality=5,
    why="replayed: the stored answer again; refused: out of stock, and the like",
    unit="{order}",
    served_by=("orders",),
    values={"outcome": ("placed", "replayed", "refused", "confirmed", "cancelled")},
    zeros=True,
)
ORDER_VALUE = Metric(
    "order_value_cents_total",
    "What orders were worth, in cents (EUR), by what became of them",
    ("outcome",),
    cardinality=3,
    why="an order is counted when it is placed and when it is settled: placed - confirmed - cancelled is still open",
    unit="{cent}",
    served_by=("orders",),
    values={"outcome": ("placed", "confirmed", "cancelled")},
    zeros=True,
)
ORDERS_DUE = Metric(
    "orders_due_total",
    "Orders that turned 10 s old, by whether they were settled by then",
    ("outcome",),
    cardinality=2,
    why="every replica counts all of them; the objective of freshness is their ratio",
    unit="{order}",
    served_by=("orders",),
    values={"outcome": ("settled", "overdue")},
    zeros=True,
)
ORDER_SETTLEMENT = Metric(
    "order_settlement_seconds",
    "Time from an order's acknowledgement to its end: confirmed or cancelled",
    ("outcome",),
    cardinality=2,
    buckets=JOB_BUCKETS,
    why="10 s is the objective",
    unit="s",
    served_by=("orders",),
    values={"outcome": ("confirmed", "cancelled")},
    zeros=True,
)
RESERVATIONS = Metric(
    "reservations_total",
    "Reservations by what became of them",
    ("outcome",),
    cardinality=5,
    unit="{reservation}",
    served_by=("products",),
    values={"outcome": ("reserved", "refused", "confirmed", "released", "expired")},
    zeros=True,
)
SWEEPER_ERRORS = Metric(
    "reservations_sweeper_errors_total",
    "Rounds of the sweeper of expired reservations that failed",
    ("cause",),
    cardinality=2,
    unit="{round}",
    served_by=("products",),
    values={"cause": ("unavailable", "unexpected")},
    zeros=True,
)
