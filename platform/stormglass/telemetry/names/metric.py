"""What is declared of a metric, and how a process comes to have it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import Literal

from prometheus_client import Counter, Gauge, Histogram

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, under the name its samples have in a query (histograms: without `_bucket`, `_sum`, `_count`).

    `cardinality` bounds the label sets that one process can make of it; `why` explains buckets or labels. `unit` is
    UCUM's code: `s`, `By`, `1` for a ratio or a switch, `{order}` for things that are counted. `served_by` names the
    processes of the topology on whose `/metrics` it stands from the start. `values` holds, by label, everything that a
    label can be, where that can be listed; with `zeros`, all of it is served as 0 from the start, so that a first event
    has a rate. `collector` tells where a metric comes from that is not counted but looked up when somebody asks.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()
    cardinality: int = 1
    buckets: tuple[float, ...] = ()
    why: str = ""
    unit: str = field(kw_only=True)
    served_by: tuple[str, ...] = field(kw_only=True)
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict, kw_only=True, hash=False)
    zeros: bool = field(default=False, kw_only=True)
    collector: str = field(default="", kw_only=True)

    @property
    def kind(self) -> Kind:
        """A histogram has buckets, a counter ends in `_total`; all others are gauges."""
        return "histogram" if self.buckets else "counter" if self.name.endswith("_total") else "gauge"

    def histogram(self) -> Histogram:
        """The process' histogram of this name; the same object at every call."""
        return _histogram(self)

    def counter(self) -> Counter:
        """The process' counter of this name; the same object at every call."""
        return _counter(self)

    def gauge(self) -> Gauge:
        """The process' gauge of this name; the same object at every call."""
        return _gauge(self)

    def make(self) -> None:
        """Have it served from now on: what has no labels, or `zeros`, as 0, the rest by name and type."""
        if self.collector:
            return
        made = {"counter": _counter, "gauge": _gauge, "histogram": _histogram}[self.kind](self)
        if self.zeros:
            for labels in product(*(self.values[label] for label in self.labels)):
                made.labels(*labels)


@cache
def _histogram(metric: Metric) -> Histogram:
    return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets)


@cache
def _counter(metric: Metric) -> Counter:
    return Counter(metric.name, metric.help, metric.labels)


@cache
def _gauge(metric: Metric) -> Gauge:
    return Gauge(metric.name, metric.help, metric.labels)
