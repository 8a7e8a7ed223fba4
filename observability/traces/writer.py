"""The only writer: one thread that commits everything that waits in one transaction (group commit)."""

import sqlite3
import threading
import time
from collections.abc import Iterable

from observability.traces.generator.generator import MetricsGenerator
from observability.traces.queue import Committed, IngestQueue, Waiting
from observability.traces.retention import STEP_SPANS, Retention
from observability.traces.rows import Batch, Origin, SpanRow
from stormglass.telemetry import names
from stormglass.telemetry.logs import logger

IDLE_SECONDS = 1.0
"""Between two looks at the limits while nothing arrives."""

_INSERT_SPAN = "INSERT OR IGNORE INTO spans VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_UPSERT_TRACE = """
INSERT INTO traces VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (trace_id) DO UPDATE SET
    start_ns = min(start_ns, excluded.start_ns),
    end_ns = max(end_ns, excluded.end_ns),
    root_name = coalesce(root_name, excluded.root_name),
    root_service = coalesce(root_service, excluded.root_service),
    seen = excluded.seen
"""

_log = logger(__name__)


class Writer:
    """Takes batches out of the queue until the queue is closed and empty."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        queue: IngestQueue,
        retention: Retention,
        generator: MetricsGenerator | None = None,
    ) -> None:
        self._db = connection
        self._queue = queue
        self._retention = retention
        self._generator = generator
        self._origins: dict[bytes, int] = {}
        self._seconds = names.TRACE_STORE_COMMIT.histogram()
        self._stored = names.TRACE_STORE_STORED.counter()
        self._duplicate = names.TRACE_STORE_DUPLICATE.counter()
        self._thread = threading.Thread(target=self._run, name="trace-writer", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether batches are being committed."""
        return self._thread.is_alive()

    def join(self) -> None:
        """Wait until the closed queue is empty."""
        self._thread.join()

    def _run(self) -> None:
        more = False
        while not self._queue.drained:
            taken = self._queue.take(0 if more else IDLE_SECONDS)
            if taken:
                self._commit(taken)
            if self._generator is not None:
                self._generator.tick()
            more = self._retain(sum(len(item.batch.spans) for item in taken))

    def _commit(self, taken: list[Waiting]) -> None:
        begun = time.perf_counter()
        try:
            self._db.execute("BEGIN IMMEDIATE")
            results = [self._insert(item.batch) for item in taken]
            self._db.executemany(_UPSERT_TRACE, _traces(item.batch for item in taken))
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            _log.error("spans could not be stored", error=str(error), batches=len(taken))
            self._queue.done(taken)
            for item in taken:
                item.promise.set_exception(error)
            return
        self._seconds.observe(time.perf_counter() - begun)
        self._queue.done(taken)
        for item, fresh in zip(taken, results, strict=True):
            result = Committed(len(fresh), len(item.batch.spans) - len(fresh))
            self._stored.inc(result.stored)
            self._duplicate.inc(result.duplicates)
            item.promise.set_result(result)
        if self._generator is not None:
            # after the senders have their answer: none of them waits for it
            for fresh in results:
                self._generator.observe(fresh)

    def _undo(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._origins.clear()

    def _insert(self, batch: Batch) -> list[SpanRow]:
        """Write a batch; the spans of it that were not stored before."""
        # a list, not a generator: finding an origin's id runs statements of its own
        rows = [self._values(span) for span in batch.spans]
        newest = self._db.execute("SELECT coalesce(max(id), 0) FROM spans").fetchone()[0]
        if self._db.executemany(_INSERT_SPAN, rows).rowcount == len(rows):
            return batch.spans
        added = self._db.execute("SELECT trace_id, span_id FROM spans WHERE id > ?", (newest,))
        spans = {(span.trace_id, span.span_id): span for span in reversed(batch.spans)}
        return [spans[key] for key in added]

    def _values(self, span: SpanRow) -> tuple[object, ...]:
        origin = self._origins.get(span.origin.digest) or self._origin_id(span.origin)
        return (
            span.trace_id, span.span_id, origin, span.name, span.kind, span.status,
            span.start_ns, span.end_ns, span.body,
        )  # fmt: skip

    def _origin_id(self, origin: Origin) -> int:
        self._db.execute("INSERT OR IGNORE INTO origins VALUES (NULL, ?, ?, ?)", origin)
        row = self._db.execute("SELECT id FROM origins WHERE digest = ?", (origin.digest,)).fetchone()
        self._origins[origin.digest] = int(row[0])
        return self._origins[origin.digest]

    def _retain(self, arrived: int) -> bool:
        try:
            # twice what arrived: deletion overtakes any rate of arrival
            more = self._retention.step(max(STEP_SPANS, 2 * arrived))
        except sqlite3.Error as error:
            self._undo()
            _log.error("the limits could not be enforced", error=str(error))
            return False
        if self._retention.origins_changed:
            self._origins.clear()
            self._retention.origins_changed = False
        return more


def _traces(batches: Iterable[Batch]) -> list[tuple[object, ...]]:
    """What these batches say about each trace: its extent, its root, and that it was seen now."""
    extent: dict[bytes, tuple[int, int]] = {}
    roots: dict[bytes, tuple[str, str]] = {}
    for batch in batches:
        for span in batch.spans:
            start, end = extent.get(span.trace_id, (span.start_ns, span.end_ns))
            extent[span.trace_id] = (min(start, span.start_ns), max(end, span.end_ns))
            if span.is_root:
                roots.setdefault(span.trace_id, (span.name, span.origin.service))
    now = time.time()
    return [(key, *times, *roots.get(key, (None, None)), now) for key, times in extent.items()]
