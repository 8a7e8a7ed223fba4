"""What a process does with its database, in figures: statements, transactions, and waiting for a connection.

Names follow OpenTelemetry's database conventions (`db.client.operation.duration`, `db.client.connection.*`).
"""

import time
from typing import Any, ClassVar

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool, PoolProxiedConnection

from stormglass.telemetry import names
from stormglass.telemetry.carrier import exemplar

_OPERATIONS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "NOTIFY"})
"""What a statement may begin with in a label; everything else is `OTHER`."""

_BEGUN = "stormglass_begun"


class MeasuredPool(AsyncAdaptedQueuePool):
    """Counts who waits for a connection, and for how long; `database` is the label."""

    database: ClassVar[str] = ""

    def connect(self) -> PoolProxiedConnection:
        """Hand a connection out, as soon as there is one."""
        waiting = names.DB_POOL_WAITING.gauge().labels(self.database)
        begun = time.perf_counter()
        waiting.inc()
        try:
            return super().connect()
        finally:
            waiting.dec()
            names.DB_POOL_WAIT.histogram().labels(self.database).observe(time.perf_counter() - begun, exemplar())


def pool_of(database: str) -> type[MeasuredPool]:
    """The pool's class for one database: SQLAlchemy makes pools anew, and knows no more than their class."""
    return type("MeasuredPool", (MeasuredPool,), {"database": database})


def measure(engine: AsyncEngine, database: str) -> None:
    """Observe every statement of an engine, and how its transactions end."""
    sync: Engine = engine.sync_engine
    duration = names.DB_OPERATION.histogram()
    transactions = names.DB_TRANSACTIONS.counter()

    def begin(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        connection.info[_BEGUN] = time.perf_counter()

    def end(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        operation = statement.lstrip()[:8].partition(" ")[0].upper()
        label = operation if operation in _OPERATIONS else "OTHER"
        taken = time.perf_counter() - connection.info.pop(_BEGUN, time.perf_counter())
        duration.labels(database, label).observe(taken, exemplar())

    event.listen(sync, "before_cursor_execute", begin)
    event.listen(sync, "after_cursor_execute", end)
    event.listen(sync, "commit", lambda connection: transactions.labels(database, "committed").inc())
    event.listen(sync, "rollback", lambda connection: transactions.labels(database, "rolled_back").inc())

    pool = engine.sync_engine.pool
    names.DB_POOL_IN_USE.gauge().labels(database).set_function(pool.checkedout)  # type: ignore[attr-defined]  # QueuePool has it, its base class does not
