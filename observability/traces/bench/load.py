"""Load on a store: exports at a rate or as fast as they are taken, and what became of them."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import aiohttp

from observability.traces.bench.process import StoreProcess
from observability.traces.bench.workload import Export

HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
QUERY = '{ resource.service.name = "orders" && span.http.route = "/orders" && duration > 1ms } && { kind = consumer }'
"""A search that has to look into spans of every trace it passes."""

_READ_EVERY_SECONDS = 1.0
_DRAIN_SECONDS = 3.0
"""How long exports that were not answered in time may take after the run; what is left then counts as refused."""


@dataclass
class Load:
    """What one run sent and saw. Seconds throughout; memory in bytes, one value per second.

    `refused` counts what was not sent in time, too. `late` is how far the sender itself fell behind its schedule,
    `newest` the id of a trace that was stored last.
    """

    seconds: float = 0.0
    stored: int = 0
    refused: int = 0
    processor_seconds: float = 0.0
    answers: list[float] = field(default_factory=list)
    searches: list[float] = field(default_factory=list)
    look_ups: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    late: float = 0.0
    newest: str = ""

    @property
    def rate(self) -> float:
        """Spans stored per second."""
        return self.stored / self.seconds if self.seconds else 0.0

    @property
    def processor_share(self) -> float:
        """Part of one processor core that the store used."""
        return self.processor_seconds / self.seconds if self.seconds else 0.0


async def load(
    store: StoreProcess,
    source: Iterator[Export],
    *,
    seconds: float,
    rate: float | None,
    senders: int,
    reads: bool = False,
) -> Load:
    """Send for so long: `rate` spans a second, whether they are answered or not; or, without a rate, all it takes."""
    found = Load()
    queue: asyncio.Queue[Export] = asyncio.Queue(maxsize=senders if rate is None else 0)
    begun, processor = time.perf_counter(), store.processor_seconds()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http, asyncio.TaskGroup() as tasks:
        sending = [tasks.create_task(_send(http, store, queue, found)) for _ in range(senders)]
        watching = [tasks.create_task(_watch(http, store, found, reads=reads))]
        await _produce(queue, source, found, until=begun + seconds, rate=rate)
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await queue.join()
        except TimeoutError:
            while not queue.empty():
                found.refused += queue.get_nowait().spans
        found.seconds = time.perf_counter() - begun
        found.processor_seconds = store.processor_seconds() - processor
        for task in (*sending, *watching):
            task.cancel()
    return found


async def _produce(
    queue: asyncio.Queue[Export], source: Iterator[Export], found: Load, *, until: float, rate: float | None
) -> None:
    due = time.perf_counter()
    while time.perf_counter() < until:
        export = next(source)
        if rate is not None:
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            else:
                found.late = max(found.late, -early)
            due += export.spans / rate
        await queue.put(export)


async def _send(http: aiohttp.ClientSession, store: StoreProcess, queue: asyncio.Queue[Export], found: Load) -> None:
    while True:
        export = await queue.get()
        begun = time.perf_counter()
        async with http.post(f"{store.url}/v1/traces", data=export.body, headers=HEADERS) as answer:
            await answer.read()
        found.answers.append(time.perf_counter() - begun)
        if answer.status == 200:
            found.stored += export.spans
            found.newest = export.trace_id
        else:
            found.refused += export.spans
        queue.task_done()


async def _watch(http: aiohttp.ClientSession, store: StoreProcess, found: Load, *, reads: bool) -> None:
    while True:
        await asyncio.sleep(_READ_EVERY_SECONDS)
        found.memory.append(store.memory_bytes())
        if reads and found.newest:
            found.look_ups.append(await _timed(http, f"{store.url}/api/traces/{found.newest}", {}))
            found.searches.append(await _timed(http, f"{store.url}/api/search", {"q": QUERY}))


async def _timed(http: aiohttp.ClientSession, url: str, parameters: dict[str, str]) -> float:
    begun = time.perf_counter()
    async with http.get(url, params=parameters) as answer:
        await answer.read()
    answer.raise_for_status()
    return time.perf_counter() - begun
