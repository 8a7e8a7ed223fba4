"""The bounded queue between the senders and the disk: it refuses, it never waits."""

import threading
from collections import deque
from concurrent.futures import Future
from typing import NamedTuple

from observability.traces.rows import Batch
from stormglass.telemetry import names


class QueueFullError(RuntimeError):
    """No room for a batch: the sender has to come back later."""


class Committed(NamedTuple):
    """What became of a batch that is on the disk."""

    stored: int
    duplicates: int


class Waiting(NamedTuple):
    """A batch and the promise to say what became of it."""

    batch: Batch
    promise: "Future[Committed]"


class IngestQueue:
    """Batches waiting to be committed, bounded in spans and in bytes. Many threads put, one takes."""

    def __init__(self, *, max_spans: int, max_bytes: int) -> None:
        self._max_spans = max_spans
        self._max_bytes = max_bytes
        self._items: deque[Waiting] = deque()
        self._spans = 0
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()
        names.TRACE_STORE_QUEUE.gauge().set_function(lambda: self._spans)

    def put(self, batch: Batch) -> "Future[Committed]":
        """Queue a batch; `QueueFullError` at once if it does not fit. An empty queue takes a batch of any size."""
        promise: Future[Committed] = Future()
        # From here on it cannot be cancelled: a sender that hangs up does not undo what it sent.
        promise.set_running_or_notify_cancel()
        with self._changed:
            if self._closed:
                raise QueueFullError("the trace store is shutting down")
            if self._items and (
                self._spans + len(batch.spans) > self._max_spans or self._bytes + batch.size > self._max_bytes
            ):
                raise QueueFullError(f"{self._spans} spans are waiting to be stored already")
            self._items.append(Waiting(batch, promise))
            self._spans += len(batch.spans)
            self._bytes += batch.size
            self._changed.notify()
        return promise

    def take(self, timeout: float) -> list[Waiting]:
        """Everything that waits; waits up to `timeout` seconds for the first. Empty after that, or when closed."""
        with self._changed:
            if not self._items and not self._closed:
                self._changed.wait(timeout)
            return list(self._items)

    def done(self, taken: list[Waiting]) -> None:
        """Free the room of batches that were taken: they count as waiting until they are on the disk."""
        with self._changed:
            for _ in taken:
                batch = self._items.popleft().batch
                self._spans -= len(batch.spans)
                self._bytes -= batch.size

    def close(self) -> None:
        """Refuse from now on; what waits can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def drained(self) -> bool:
        """Closed, and nothing waits any more."""
        with self._changed:
            return self._closed and not self._items
