"""The trace store as its HTTP side sees it: batches in, traces and searches out, nothing that blocks the event loop."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, TracesData

from observability.traces.answers import search_answer
from observability.traces.attributes import Value
from observability.traces.generator.generator import MetricsGenerator
from observability.traces.queue import Committed, IngestQueue
from observability.traces.requests import SearchRequest, TagsRequest
from observability.traces.retention import Retention
from observability.traces.rows import Batch
from observability.traces.schema import open_for_writing, reading
from observability.traces.search import Searcher
from observability.traces.settings import TraceStoreSettings
from observability.traces.tags import TagReader
from observability.traces.writer import Writer

MAX_ASKED = 32
"""Searches and look-ups that are answered or wait; more are refused, so that memory stays bounded."""

_READERS = 2

Answer = TypeVar("Answer")


class BusyError(RuntimeError):
    """Too many questions at once: come back later."""


class TraceStore:
    """Owns the file, the writer's thread and the readers' threads; `close()` loses nothing that was accepted."""

    def __init__(self, settings: TraceStoreSettings) -> None:
        self._path = settings.database
        connection = open_for_writing(settings.database)
        retention = Retention(connection, max_bytes=settings.max_bytes, max_age_seconds=settings.max_age_seconds)
        self._connection = connection
        self._queue = IngestQueue(max_spans=settings.queue_spans, max_bytes=settings.queue_bytes)
        generator = MetricsGenerator() if settings.generate_metrics else None
        self._writer = Writer(connection, self._queue, retention, generator)
        # threads of their own: a long search must not keep exports from being decoded
        self._asked = 0
        self._readers = ThreadPoolExecutor(_READERS, "trace-reader")

    async def commit(self, batch: Batch) -> Committed:
        """Wait until a batch is on the disk; `QueueFullError` at once where there is no room for it."""
        return await asyncio.shield(asyncio.wrap_future(self._queue.put(batch)))

    async def trace(self, trace_id: bytes) -> TracesData | None:
        """All spans of a trace, None if there are none."""
        return await self._ask(lambda connection: _assemble(connection, trace_id))

    async def search(self, request: SearchRequest) -> dict[str, Any]:
        """Tempo's answer to a search."""

        def work(connection: sqlite3.Connection) -> dict[str, Any]:
            searcher = Searcher(connection)
            return search_answer(request, searcher.search(request), searcher)

        return await self._ask(work)

    async def tag_names(self, request: TagsRequest) -> dict[str, list[str]]:
        """Names of attributes that occur, by scope."""
        return await self._ask(lambda connection: TagReader(connection).names(request))

    async def tag_values(self, tag: str, request: TagsRequest) -> list[Value]:
        """Values of one field that occur."""
        return await self._ask(lambda connection: TagReader(connection).values(tag, request))

    async def check(self) -> None:
        """Raise where the store does not work: its writer has ended, or the file cannot be read."""
        if not self._writer.alive:
            raise RuntimeError("the thread that writes has ended: see the log, restart the trace store")
        # not on the readers' threads, where a long search would make the store look dead
        await asyncio.to_thread(self._probe)

    async def close(self) -> None:
        """Commit what waits, then close the file."""
        self._queue.close()
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        self._connection.close()

    def _probe(self) -> None:
        with reading(self._path) as connection:
            connection.execute("SELECT 1 FROM traces LIMIT 1").fetchall()

    async def _ask(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        def run() -> Answer:
            with reading(self._path) as connection:
                return work(connection)

        if self._asked >= MAX_ASKED:
            raise BusyError(f"{self._asked} questions are waiting to be answered already")
        self._asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, run)
        finally:
            self._asked -= 1


def _assemble(connection: sqlite3.Connection, trace_id: bytes) -> TracesData | None:
    data = TracesData()
    groups: dict[int, ResourceSpans] = {}
    query = "SELECT origin, spans.body, origins.body FROM spans JOIN origins ON origins.id = origin WHERE trace_id = ?"
    for origin, span, resource in connection.execute(f"{query} ORDER BY start_ns", (trace_id,)):
        if origin not in groups:
            groups[origin] = data.resource_spans.add()
            groups[origin].MergeFromString(resource)
        groups[origin].scope_spans[0].spans.add().MergeFromString(span)
    return data if groups else None
