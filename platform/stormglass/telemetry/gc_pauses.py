"""For how long the garbage collector stops a process."""

import gc
import time
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from stormglass.telemetry.names.runtime import GC_PAUSE


class GcPauses(Collector):
    """Counts collections by their length from when it is made.

    By itself, and not with a histogram of the library's: a collection may begin while that one's lock is held, and who
    then waited for it would wait for ever.
    """

    def __init__(self) -> None:
        self._counts = [0] * (len(GC_PAUSE.buckets) + 1)
        self._sum = 0.0
        self._begun = 0.0
        gc.callbacks.append(self._observe)

    def close(self) -> None:
        """Count no more."""
        gc.callbacks.remove(self._observe)

    def _observe(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._begun = time.perf_counter()
        elif self._begun:
            taken, self._begun = time.perf_counter() - self._begun, 0.0
            self._sum += taken
            self._counts[bisect_left(GC_PAUSE.buckets, taken)] += 1

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The histogram now."""
        total = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip((*GC_PAUSE.buckets, float("inf")), tuple(self._counts), strict=True):
            total += count
            buckets.append(("+Inf" if bound == float("inf") else str(float(bound)), total))
        yield HistogramMetricFamily(GC_PAUSE.name, GC_PAUSE.help, buckets=buckets, sum_value=self._sum)
