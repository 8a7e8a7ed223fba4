"""Size and age limits, enforced in bounded steps between commits, so that no sender waits for a large deletion.

The oldest traces go first, whole, by when their last span arrived. Live pages are held at 90 % of the size limit: the
rest is room for the next commits, so that the file stays below the limit without being rewritten all the time.
"""

import sqlite3
import time
from collections.abc import Callable

from stormglass.telemetry import names

STEP_SPANS = 5_000
"""Most spans deleted in one step: about 50 ms on a slow disk."""

STEP_PAGES = 2_048
"""Most pages given back to the file system in one step (8 MiB)."""

_LIVE_SHARE = 0.9


class Retention:
    """Deletes what is too old or too much; uses the writer's connection, on the writer's thread."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        max_bytes: int,
        max_age_seconds: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._db = connection
        self._max_bytes = max_bytes
        self._max_age = max_age_seconds
        self._now = now
        self._page = self._pragma("page_size")
        self._size = names.TRACE_STORE_DATABASE_BYTES.gauge()
        self._traces = names.TRACE_STORE_EVICTED_TRACES.counter()
        self._spans = names.TRACE_STORE_EVICTED_SPANS.counter()
        self.origins_changed = False

    def step(self, budget: int = STEP_SPANS) -> bool:
        """Delete up to `budget` spans, give back some pages; True if there is more to do."""
        more = self._evict("age", "seen < ?", (self._now() - self._max_age,), budget)
        if not more and self._live_bytes() > self._max_bytes * _LIVE_SHARE:
            more = self._evict("size", "TRUE", (), budget)
            more = self._live_bytes() > self._max_bytes * _LIVE_SHARE and more
        excess = self._pragma("page_count") - self._max_bytes // self._page
        free = self._pragma("freelist_count")
        if excess > 0 and free > 0:
            # a script: execute() would stop after the first page, of which this pragma makes a row without columns
            self._db.executescript(f"PRAGMA incremental_vacuum({min(excess, free, STEP_PAGES)})")
            # until the log is copied back the file keeps its size
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            more = more or excess > STEP_PAGES
        self._size.set(self._pragma("page_count") * self._page)
        return more

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    def _live_bytes(self) -> int:
        return (self._pragma("page_count") - self._pragma("freelist_count")) * self._page

    def _evict(self, reason: str, condition: str, values: tuple[float, ...], budget: int) -> bool:
        query = f"SELECT trace_id FROM traces WHERE {condition} ORDER BY seen LIMIT 500"  # noqa: S608 - our own text
        doomed = self._db.execute(query, values).fetchall()
        if not doomed:
            return False
        spans = traces = 0
        self._db.execute("BEGIN IMMEDIATE")
        for (trace_id,) in doomed:
            spans += self._delete_spans(trace_id, budget - spans)
            if spans >= budget:
                break
            self._db.execute("DELETE FROM traces WHERE trace_id = ?", (trace_id,))
            traces += 1
        gone = self._db.execute(
            "DELETE FROM origins WHERE NOT EXISTS (SELECT 1 FROM spans WHERE spans.origin = origins.id)"
        )
        self.origins_changed = self.origins_changed or gone.rowcount > 0
        self._db.execute("COMMIT")
        self._spans.labels(reason).inc(spans)
        self._traces.labels(reason).inc(traces)
        return True

    def _delete_spans(self, trace_id: bytes, limit: int) -> int:
        return self._db.execute(
            "DELETE FROM spans WHERE id IN (SELECT id FROM spans WHERE trace_id = ? LIMIT ?)", (trace_id, limit)
        ).rowcount
