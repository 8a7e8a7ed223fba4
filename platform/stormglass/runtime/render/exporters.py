"""The exporters: what is asked of Postgres, and the password for Redis."""

import json
from typing import Any

import yaml

from stormglass.runtime.instance import Instance
from stormglass.runtime.programs import redis_url


def _gauge(text: str) -> dict[str, str]:
    return {"usage": "GAUGE", "description": text}


def _counter(text: str) -> dict[str, str]:
    return {"usage": "COUNTER", "description": text}


_DATABASE = {"datname": {"usage": "LABEL", "description": "Database"}}

QUERIES: dict[str, Any] = {
    "pg_connections": {
        "query": (
            "SELECT coalesce(datname, 'none') AS datname, count(*) AS total,"
            " count(*) FILTER (WHERE state = 'active') AS active,"
            " count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle_in_transaction,"
            " count(*) FILTER (WHERE wait_event_type = 'Lock') AS waiting_for_lock,"
            " coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) AS longest_transaction_seconds"
            " FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1"
        ),
        "metrics": [
            _DATABASE,
            {"total": _gauge("Connections")},
            {"active": _gauge("Connections that run a statement now")},
            {"idle_in_transaction": _gauge("Connections whose transaction waits for its client")},
            {"waiting_for_lock": _gauge("Connections that wait for a lock")},
            {"longest_transaction_seconds": _gauge("Age of the oldest open transaction")},
        ],
    },
    "pg_settings": {
        "query": "SELECT setting::int AS max_connections FROM pg_settings WHERE name = 'max_connections'",
        "metrics": [{"max_connections": _gauge("Connections that are allowed")}],
    },
    "pg_database": {
        "query": (
            "SELECT datname, xact_commit AS commits, xact_rollback AS rollbacks, blks_hit AS blocks_hit,"
            " blks_read AS blocks_read, deadlocks, pg_database_size(datid) AS size_bytes"
            " FROM pg_stat_database WHERE datname IS NOT NULL AND datname NOT LIKE 'template%'"
        ),
        "metrics": [
            _DATABASE,
            {"commits": _counter("Transactions committed")},
            {"rollbacks": _counter("Transactions rolled back")},
            {"blocks_hit": _counter("Blocks found in the buffer cache")},
            {"blocks_read": _counter("Blocks read from the disk")},
            {"deadlocks": _counter("Deadlocks")},
            {"size_bytes": _gauge("Size on disk")},
        ],
    },
}
"""What saturates: connections, locks, transactions, the buffer cache. Names come out as `pg_connections_total`, …"""


def postgres_queries() -> str:
    """The file of queries for the Postgres exporter."""
    return yaml.safe_dump(QUERIES, sort_keys=False, width=120)


def redis_passwords(instance: Instance) -> str:
    """The file in which the Redis exporter looks its server's password up."""
    return json.dumps({redis_url(instance): instance.secret("redis", "password")}) + "\n"
