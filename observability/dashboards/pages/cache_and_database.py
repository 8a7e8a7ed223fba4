"""Redis and Postgres: what they are asked, what is done without them, and whether they are full."""

from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape, Threshold, Unit, quantiles

_CACHES = Row(
    "Caches",
    (
        Panel(
            "Reads by cache and outcome",
            "Reads a second; `stale` and `bypass` are fallbacks.",
            Unit.PER_SECOND,
            (Query("sum by (cache, result) (rate(cache_requests_total[30s]))", "{{cache}} {{result}}"),),
        ),
        Panel(
            "Loads for each read",
            "Origin amplification: how many reads cost the origin a load; 1 is a cache that saves nothing.",
            Unit.SHARE,
            (
                Query(
                    "sum by (cache) (rate(cache_origin_requests_total[1m]))"
                    " / sum by (cache) (rate(cache_requests_total[1m]))",
                    "{{cache}}",
                ),
            ),
        ),
        Panel(
            "Which dependency is away?",
            "Whether each process' dependencies answered its last health check.",
            Unit.COUNT,
            (Query("min by (service, dependency) (dependency_up)", "{{service}} → {{dependency}}"),),
            Shape.STATES,
            threshold=Threshold(1, below=True),
        ),
    ),
)

_POSTGRES = Row(
    "Postgres",
    (
        Panel(
            "Time of a statement",
            "Durations that 95 % of the statements stay below, by their first word.",
            Unit.SECONDS,
            quantiles("db_client_operation_duration_seconds", "", "db_operation_name", shares=(0.95,)),
        ),
        Panel(
            "Connections of each pool",
            "Connections in use, by process; the pools may open ten each.",
            Unit.COUNT,
            (Query("sum by (service) (db_pool_connections_in_use)", "{{service}}"),),
        ),
        Panel(
            "Who waits for a connection?",
            "Requests that wait for a connection of their process' pool.",
            Unit.COUNT,
            (Query("sum by (service) (db_client_connection_pending_requests)", "{{service}}"),),
            threshold=Threshold(5),
        ),
        Panel(
            "Connections of the server",
            "By database, and how many are allowed.",
            Unit.COUNT,
            (Query("pg_connections_total", "{{datname}}"), Query("pg_settings_max_connections", "allowed")),
            needs="postgres-exporter",
        ),
        Panel(
            "Waiting for a lock",
            "Connections that wait for a lock of somebody else's, by database.",
            Unit.COUNT,
            (Query("pg_connections_waiting_for_lock", "{{datname}}"),),
            needs="postgres-exporter",
        ),
        Panel(
            "Transactions",
            "Transactions a second, by process and how they ended.",
            Unit.OPERATIONS,
            (Query("sum by (service, outcome) (rate(db_transactions_total[30s]))", "{{service}} {{outcome}}"),),
        ),
    ),
)

_REDIS = Row(
    "Redis",
    (
        Panel(
            "Commands",
            "Commands a second that the server ran.",
            Unit.OPERATIONS,
            (Query("sum(rate(redis_commands_processed_total[30s]))", "commands"),),
            needs="redis-exporter",
        ),
        Panel(
            "Memory",
            "What the server uses, and what it may.",
            Unit.BYTES,
            (Query("redis_memory_used_bytes", "used"), Query("redis_memory_max_bytes", "allowed; 0 is no limit")),
            needs="redis-exporter",
        ),
        Panel(
            "Answers without Redis",
            "Answers a second for which Redis was done without.",
            Unit.PER_SECOND,
            (
                Query(
                    'sum by (service, fallback) (rate(fallback_total{dependency="redis"}[30s]))',
                    "{{service}} {{fallback}}",
                ),
            ),
            moves_under="redis slow",
        ),
    ),
)

PAGE = Dashboard(
    "cache-and-database",
    "Cache & database",
    "What Redis and Postgres are asked, what is done without them, and whether they are full.",
    (_CACHES, _POSTGRES, _REDIS),
)
