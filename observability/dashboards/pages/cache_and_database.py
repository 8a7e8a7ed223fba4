"""Redis and Postgres: what they are asked, what is done without them, and whether they are full."""

from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape, Threshold, Unit, quantiles

_ON_REDIS = '{ span.db.system.name = "redis" || span.db.system = "redis" }'
_ON_POSTGRES = '{ span.db.system.name = "postgresql" }'

_CACHES = Row(
    "Caches",
    (
        Panel(
            "Reads by what became of them",
            "Reads a second of all caches together; `stale` and `bypass` are fallbacks.",
            Unit.PER_SECOND,
            (Query("sum by (result) (rate(cache_requests_total[30s]))", "{{result}}"),),
            Shape.STACK,
            height=8,
            traces=_ON_REDIS,
            logs="gateway|orders|products",
        ),
        Panel(
            "Loads for each read",
            "Origin amplification: how many reads cost the origin a load; 1 is a cache that saves nothing.",
            Unit.SHARE,
            (
                Query(
                    "sum by (cache) (rate(cache_origin_requests_total[1m]))"
                    " / (sum by (cache) (rate(cache_requests_total[1m])) > 0)",
                    "{{cache}}",
                ),
            ),
            height=8,
        ),
        Panel(
            "Which dependency is away?",
            "Whether each process' dependencies answered its last health check.",
            Unit.COUNT,
            (Query("min by (service, dependency) (dependency_up)", "{{service}} → {{dependency}}"),),
            Shape.STATES,
            height=8,
            threshold=Threshold(1, below=True),
            words=((0, "away"), (1, "there")),
            logs="gateway|users|orders|products|worker",
        ),
    ),
)

_POSTGRES = Row(
    "Postgres",
    (
        Panel(
            "Time of a statement",
            "95 % of the statements are quicker, by their first word.",
            Unit.SECONDS,
            quantiles("db_client_operation_duration_seconds", "", "db_operation_name", shares=(0.95,)),
            traces=_ON_POSTGRES,
            logs="users|orders|products|worker",
        ),
        Panel(
            "How full is each pool?",
            "Connections in use, of those that the pools may open.",
            Unit.SHARE,
            (
                Query(
                    "sum by (service) (db_pool_connections_in_use) / sum by (service) (db_pool_connections_limit)",
                    "{{service}}",
                ),
            ),
            threshold=Threshold(0.9),
        ),
        Panel(
            "How long does a connection take?",
            "95 % of the waits for a connection of the pool are shorter, opening one included.",
            Unit.SECONDS,
            quantiles("db_client_connection_wait_time_seconds", "", "service", shares=(0.95,)),
            threshold=Threshold(1),
            traces=_ON_POSTGRES,
        ),
        Panel(
            "Waits for a connection that were given up",
            "A second; whoever waited got an error.",
            Unit.OPERATIONS,
            (Query("sum by (service) (rate(db_client_connection_timeouts_total[1m]))", "{{service}}"),),
            threshold=Threshold(0.1),
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
            "Reads out of the server's memory",
            "Share of the blocks that were read without the disk, by database.",
            Unit.SHARE,
            (
                Query(
                    'rate(pg_database_blocks_hit{datname!="postgres"}[1m]) / (rate(pg_database_blocks_hit[1m])'
                    " + rate(pg_database_blocks_read[1m]) > 0)",
                    "{{datname}}",
                ),
            ),
            needs="postgres-exporter",
        ),
        Panel(
            "The oldest transaction",
            "How long a transaction has been open; a long one holds its locks.",
            Unit.SECONDS,
            (Query("max by (datname) (pg_connections_longest_transaction_seconds)", "{{datname}}"),),
            needs="postgres-exporter",
        ),
        Panel(
            "Transactions",
            "Transactions a second, by how they ended; reading ends in a rollback, which costs nothing.",
            Unit.OPERATIONS,
            (Query("sum by (outcome) (rate(db_transactions_total[30s]))", "{{outcome}}"),),
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
            traces=_ON_REDIS,
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
