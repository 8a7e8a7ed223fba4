"""What delivery of spans and of log lines have in common: a queue that never blocks, and an account of every item."""

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from stormglass.settings import TelemetrySettings
from stormglass.telemetry.logs import logger
from stormglass.telemetry.names import Metric

if TYPE_CHECKING:
    from opentelemetry.sdk._shared_internal import BatchProcessor

Item = TypeVar("Item")

_log = logger(__name__)


class Signal(NamedTuple):
    """What is delivered, as a line of log calls it, and what counts it."""

    what: str
    exported: Metric
    dropped: Metric
    errors: Metric
    queue: Metric


class Attempts:
    """Exports batches one after the other and counts what became of each.

    `in_flight` are the items of the batch that is under way.
    """

    def __init__(self, signal: Signal) -> None:
        self._what = signal.what
        self._delivered = signal.exported.counter()
        self._failed = signal.dropped.counter().labels("export_failed")
        self._errors = signal.errors.counter()
        self._down = False
        self._thread = 0
        self.in_flight = 0

    @property
    def here(self) -> bool:
        """Whether it is this thread that exports a batch at the moment."""
        return self._thread == threading.get_ident()

    def attempt(self, count: int, export: Callable[[], bool]) -> bool:
        """Export a batch of `count`; one that fails is gone (the SDK does not keep it) and is counted as dropped."""
        self.in_flight, self._thread = count, threading.get_ident()
        reason = "it refused, timed out, or answered with an error"
        try:
            delivered = export()
        except Exception as error:  # noqa: BLE001 - whatever it was, this batch is lost and must be counted
            delivered, reason = False, f"{type(error).__name__}: {error}"
        (self._delivered if delivered else self._failed).inc(count)
        self._errors.inc(not delivered)
        self.in_flight = 0
        # one line at the beginning of an outage and one at its end, whatever number of batches it takes
        if delivered and self._down:
            _log.info(f"{self._what} are delivered again")
        elif not delivered and not self._down:
            _log.warning(
                f"{self._what} cannot be delivered; they are dropped and counted until they can", reason=reason
            )
        self._down = not delivered
        self._thread = 0
        return delivered


class BoundedQueue(Generic[Item]):
    """The queue of one of the SDK's batch processors, with a count of each item that finds it full.

    The SDK would drop the oldest one then, at a moment of its own. Here the newest is not taken: the count is exact,
    and what is delivered after an outage shows how it began.
    """

    def __init__(
        self,
        signal: Signal,
        batches: "BatchProcessor[Item]",
        attempts: Attempts,
        limit: int,
        settings: TelemetrySettings,
    ) -> None:
        self._batches = batches
        self._limit = limit
        self._patience_ms = settings.export_timeout_ms
        self._stopped = False
        # a finalizer may log a line in the middle of another one: the thread that holds the lock has to get in again
        self._lock = threading.RLock()
        self._full = signal.dropped.counter().labels("queue_full")
        self._late = signal.dropped.counter().labels("shutdown")
        self.waiting: deque[Item] = batches._queue  # noqa: SLF001 - the SDK offers no public view of its bounded buffer
        signal.queue.gauge().set_function(lambda: len(self.waiting) + attempts.in_flight)

    def put(self, item: Item) -> None:
        """Take an item without ever blocking whoever made it."""
        # several threads may bring some; the one that exports only ever makes room
        with self._lock:
            if self._stopped:
                self._late.inc()
            elif len(self.waiting) >= self._limit:
                self._full.inc()
            else:
                self._batches.emit(item)

    def shutdown(self) -> None:
        """Deliver what waits within one export time-out; what is left then is dropped and counted."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
        # the SDK's own method waits 30 s, longer than a process manager does
        self._batches.shutdown(timeout_millis=self._patience_ms)
        self._late.inc(len(self.waiting))
        self.waiting.clear()
