"""The measurement: a declared rate held for a while, then as much as it takes, with and without generated metrics.

The first run is what is promised: spans arrive at the rate whether or not earlier ones were answered, searches and
look-ups run beside them, and the file is small enough that old traces have to go meanwhile. The second one alternates
between two stores, so that whatever else the machine does hits both alike.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from observability.traces.bench.load import Load, load
from observability.traces.bench.process import StoreProcess, store
from observability.traces.bench.workload import exports

MIB = 1024 * 1024
FILE_BYTES = 24 * MIB
"""Limit of the measured store's file: about 20 s of 2,000 spans/s, so that retention is part of the measurement."""

SENDERS = 6
"""Exports in flight at most: as many as the platform has processes that send."""

ORDERS_PER_EXPORT = 10
"""Orders whose spans one export carries: 20 to 60 spans, what a process collects in half a second."""

ROUNDS = 3
_GROWTH_BYTES = 24 * MIB


@dataclass(frozen=True)
class Sustained:
    """The declared rate, held. Times in seconds, memory in bytes."""

    wanted_rate: float
    load: Load
    evicted_spans: int
    file_bytes: int
    series: int

    @property
    def growth_bytes(self) -> int:
        """Memory at the end beyond what it was after the first third."""
        memory = self.load.memory
        return max(memory[2 * len(memory) // 3 :], default=0) - max(memory[: max(len(memory) // 3, 1)], default=0)

    @property
    def met(self) -> bool:
        """Whether every span was stored, at the rate, in bounded memory, while old ones were evicted."""
        kept_up = self.load.refused == 0 and self.load.rate >= 0.98 * self.wanted_rate
        return kept_up and self.growth_bytes <= _GROWTH_BYTES and self.file_bytes <= 1.25 * FILE_BYTES


@dataclass(frozen=True)
class Most:
    """As much as the store takes, median of the rounds: spans/s, and its processor time per span in seconds."""

    rate: float
    processor_seconds: float


@dataclass(frozen=True)
class Result:
    """Everything measured."""

    sustained: Sustained
    with_metrics: Most
    without_metrics: Most

    @property
    def metrics_cost(self) -> float:
        """Processor seconds per span that the generated metrics add."""
        return self.with_metrics.processor_seconds - self.without_metrics.processor_seconds


def measure(rate: float, seconds: float, say: Callable[[str], None]) -> Result:
    """Run it all; takes about twice `seconds`."""
    with store(max_bytes=FILE_BYTES, generate_metrics=True) as one:
        say(f"{rate:,.0f} spans/s for {seconds:g} s")
        found = _sustained(one, rate, seconds)
    with (
        store(max_bytes=FILE_BYTES, generate_metrics=True) as one,
        store(max_bytes=FILE_BYTES, generate_metrics=False) as other,
    ):
        say(f"as many as it takes, {ROUNDS} rounds with and without generated metrics")
        rounds: dict[int, list[Load]] = {one.port: [], other.port: []}
        source = exports(ORDERS_PER_EXPORT)
        for _ in range(ROUNDS):
            for target in (one, other):
                each = load(target, source, seconds=seconds / ROUNDS / 2, rate=None, senders=SENDERS)
                rounds[target.port].append(asyncio.run(each))
        return Result(found, _most(rounds[one.port]), _most(rounds[other.port]))


def _sustained(target: StoreProcess, rate: float, seconds: float) -> Sustained:
    source = exports(ORDERS_PER_EXPORT)
    found = asyncio.run(load(target, source, seconds=seconds, rate=rate, senders=SENDERS, reads=True))
    metrics = target.metrics()
    return Sustained(
        wanted_rate=rate,
        load=found,
        evicted_spans=int(metrics.get("trace_store_spans_evicted_total", 0)),
        file_bytes=target.database.stat().st_size,
        series=target.series(),
    )


def _most(rounds: list[Load]) -> Most:
    return Most(
        rate=median(each.rate for each in rounds),
        processor_seconds=median(each.processor_seconds / max(each.stored, 1) for each in rounds),
    )
