"""What became of every request, and the figures that follow from it."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sample:
    """One request. Times are `time.monotonic()` in seconds.

    `due` is when it should have been sent: where a stalled server holds the load back, the wait counts as latency.
    `status` is 0 where no answer came; `error` says why the request failed, and is empty where it did not.
    """

    route: str
    due: float
    begun: float
    ended: float
    status: int
    error: str = ""
    cache: str = ""  # hit, miss, stale or bypass, as `Cache-Status` tells
    degraded: str = ""

    @property
    def seconds(self) -> float:
        """What the shopper waited, in seconds."""
        return self.ended - self.due


def quantile(values: Iterable[float], q: float) -> float:
    """The smallest value that at least the share `q` of all values does not exceed; NaN of nothing."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, max(0, -int(-q * len(ordered) // 1) - 1))]


@dataclass
class Recording:
    """Samples in the order in which they ended."""

    samples: list[Sample] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.samples)

    def ended(self, since: float, until: float = float("inf")) -> "Recording":
        """What ended in a stretch of time."""
        first = bisect_left(self.samples, since, key=lambda sample: sample.ended)
        last = bisect_left(self.samples, until, key=lambda sample: sample.ended)
        return Recording(self.samples[first:last])

    def due(self, since: float, until: float = float("inf")) -> "Recording":
        """What was to be sent in a stretch of time."""
        return self.where(lambda sample: since <= sample.due < until)

    def where(self, wanted: Callable[[Sample], bool]) -> "Recording":
        """The samples that satisfy a condition."""
        return Recording([sample for sample in self.samples if wanted(sample)])

    @property
    def errors(self) -> list[Sample]:
        """The requests that failed."""
        return [sample for sample in self.samples if sample.error]

    def kinds(self) -> dict[str, int]:
        """How many failed in which way, the most frequent first."""
        return dict(Counter(sample.error for sample in self.errors).most_common())

    def caches(self) -> dict[str, int]:
        """How many answers the cache gave, by what it did."""
        return dict(Counter(sample.cache for sample in self.samples if sample.cache).most_common())

    def latency(self, q: float) -> float:
        """A quantile of what shoppers waited, in seconds; failed requests count too."""
        return quantile((sample.seconds for sample in self.samples), q)

    def last_error(self, since: float) -> float | None:
        """Seconds from `since` to the end of the last failed request; None if none failed after it."""
        ends = [sample.ended for sample in self.errors if sample.ended >= since]
        return max(ends) - since if ends else None
