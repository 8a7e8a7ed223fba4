"""The ingest queue refuses at once and frees its room only when a batch is on the disk."""

import pytest

from observability.traces.far_end import NOBODY
from observability.traces.queue import IngestQueue, QueueFullError
from observability.traces.rows import Batch, Origin, SpanRow

SPAN = SpanRow(b"t" * 16, b"s" * 8, Origin(b"", "", b""), "", 0, 0, 0, 0, b"", None, NOBODY, b"")


def batch(spans: int, size: int = 1) -> Batch:
    return Batch([SPAN] * spans, size=size)


def test_spans_are_bounded_until_they_are_done() -> None:
    queue = IngestQueue(max_spans=10, max_bytes=100)
    queue.put(batch(6))
    with pytest.raises(QueueFullError, match="6 spans"):
        queue.put(batch(5))
    taken = queue.take(0)
    with pytest.raises(QueueFullError):
        queue.put(batch(5))
    queue.put(batch(4))
    queue.done(taken)
    queue.put(batch(6))
    assert [len(item.batch.spans) for item in queue.take(0)] == [4, 6]


def test_bytes_are_bounded_and_an_empty_queue_takes_anything() -> None:
    queue = IngestQueue(max_spans=10, max_bytes=100)
    queue.put(batch(50, size=5_000))
    with pytest.raises(QueueFullError):
        queue.put(batch(1))
    queue.done(queue.take(0))
    queue.put(batch(1, size=60))
    with pytest.raises(QueueFullError):
        queue.put(batch(1, size=60))


def test_a_closed_queue_can_be_emptied_but_not_filled() -> None:
    queue = IngestQueue(max_spans=10, max_bytes=100)
    queue.put(batch(1))
    queue.close()
    with pytest.raises(QueueFullError, match="shutting down"):
        queue.put(batch(1))
    states = [queue.drained]
    queue.done(queue.take(10))
    states.append(queue.drained)
    assert states == [False, True]
    assert queue.take(10) == []
