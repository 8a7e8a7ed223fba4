"""The trace store as its HTTP side sees it: batches in, traces and searches out, nothing that blocks the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, TracesData

from observability.traces.queue import Committed, IngestQueue
from observability.traces.retention import Retention
from observability.traces.rows import Batch
from observability.traces.schema import open_for_writing, reading
from observability.traces.search import Searcher, SearchRequest
from observability.traces.settings import TraceStoreSettings
from observability.traces.writer import Writer

TAG_SPANS = 20_000
"""Newest spans that are looked at for tag names and values: about 0.2 s of work."""

_READERS = 2

Answer = TypeVar("Answer")


class TraceStore:
    """Owns the file, the writer's thread and the readers' threads; `close()` loses nothing that was accepted."""

    def __init__(self, settings: TraceStoreSettings) -> None:
        self._path = settings.database
        connection = open_for_writing(settings.database)
        retention = Retention(connection, max_bytes=settings.max_bytes, max_age_seconds=settings.max_age_seconds)
        self._connection = connection
        self._queue = IngestQueue(max_spans=settings.queue_spans, max_bytes=settings.queue_bytes)
        self._writer = Writer(connection, self._queue, retention)
        # threads of their own: a long search must not keep exports from being decoded
        self._readers = ThreadPoolExecutor(_READERS, "trace-reader")

    async def commit(self, batch: Batch) -> Committed:
        """Wait until a batch is on the disk; `QueueFullError` at once where there is no room for it."""
        return await asyncio.shield(asyncio.wrap_future(self._queue.put(batch)))

    async def trace(self, trace_id: bytes) -> TracesData | None:
        """All spans of a trace, None if there are none."""
        return await self._read(lambda: self._assemble(trace_id))

    async def search(self, request: SearchRequest) -> dict[str, Any]:
        """Tempo's answer to a search."""
        return await self._search(lambda searcher: searcher.search(request))

    async def tag_names(self) -> list[str]:
        """Attribute names that occur."""
        return await self._search(lambda searcher: searcher.tag_names(TAG_SPANS))

    async def tag_values(self, tag: str) -> list[str]:
        """Values of one attribute that occur."""
        return await self._search(lambda searcher: searcher.tag_values(tag, TAG_SPANS))

    async def check(self) -> None:
        """Raise where the store does not work: its writer has ended, or the file cannot be read."""
        if not self._writer.alive:
            raise RuntimeError("the thread that writes has ended: see the log, restart the trace store")
        # not on the readers' threads, where a long search would make the store look dead
        await asyncio.to_thread(self._ask)

    async def close(self) -> None:
        """Commit what waits, then close the file."""
        self._queue.close()
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        self._connection.close()

    def _ask(self) -> None:
        with reading(self._path) as connection:
            connection.execute("SELECT 1 FROM traces LIMIT 1").fetchall()

    async def _read(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    async def _search(self, work: Callable[[Searcher], Answer]) -> Answer:
        def run() -> Answer:
            with reading(self._path) as connection:
                return work(Searcher(connection))

        return await self._read(run)

    def _assemble(self, trace_id: bytes) -> TracesData | None:
        data = TracesData()
        groups: dict[int, ResourceSpans] = {}
        query = (
            "SELECT origin, spans.body, origins.body FROM spans JOIN origins ON origins.id = origin WHERE trace_id = ?"
        )
        with reading(self._path) as connection:
            for origin, span, resource in connection.execute(f"{query} ORDER BY start_ns", (trace_id,)):
                if origin not in groups:
                    groups[origin] = data.resource_spans.add()
                    groups[origin].MergeFromString(resource)
                groups[origin].scope_spans[0].spans.add().MergeFromString(span)
        return data if groups else None
