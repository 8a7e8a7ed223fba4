"""Postgres, seen from its clients: pools, statements, transactions."""

from stormglass.telemetry.names.buckets import LATENCY_BUCKETS
from stormglass.telemetry.names.metric import Metric
from stormglass.telemetry.names.servers import WITH_DATABASE

DB_POOL_IN_USE = Metric(
    "db_pool_connections_in_use",
    "Connections handed out by the pool",
    ("database",),
    cardinality=2,
    unit="{connection}",
    served_by=WITH_DATABASE,
)
DB_POOL_LIMIT = Metric(
    "db_pool_connections_limit",
    "Connections the pool may open",
    ("database",),
    cardinality=2,
    unit="{connection}",
    served_by=WITH_DATABASE,
)
DB_POOL_WAITING = Metric(
    "db_client_connection_pending_requests",
    "Who waits for a connection of the pool now",
    ("database",),
    cardinality=2,
    unit="{request}",
    served_by=WITH_DATABASE,
)
DB_POOL_WAIT = Metric(
    "db_client_connection_wait_time_seconds",
    "Time until the pool handed a connection out, opening one included",
    ("database",),
    cardinality=2,
    buckets=LATENCY_BUCKETS,
    why="an idle connection takes well under 1 ms, a new one some 10 ms, the pool's time-out ends the wait",
    unit="s",
    served_by=WITH_DATABASE,
)
DB_POOL_TIMEOUTS = Metric(
    "db_client_connection_timeouts_total",
    "Waits for a connection of the pool that were given up",
    unit="{timeout}",
    served_by=WITH_DATABASE,
)
DB_OPERATION = Metric(
    "db_client_operation_duration_seconds",
    "Time a statement took, seen from the client",
    ("database", "db_operation_name"),
    cardinality=14,
    buckets=LATENCY_BUCKETS,
    why="a statement's first word; OTHER: any that is not listed",
    unit="s",
    served_by=WITH_DATABASE,
    values={"db_operation_name": ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "NOTIFY", "OTHER")},
)
DB_TRANSACTIONS = Metric(
    "db_transactions_total",
    "Transactions by how they ended; reading without a transaction ends in a rollback, which costs nothing",
    ("database", "outcome"),
    cardinality=4,
    values={"outcome": ("committed", "rolled_back")},
    unit="{transaction}",
    served_by=WITH_DATABASE,
)
