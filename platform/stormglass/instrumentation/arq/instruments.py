"""The two metrics of a consumer: how long jobs waited, and how long they ran."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from prometheus_client import REGISTRY, CollectorRegistry, Histogram

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds; ARQ looks into an idle queue twice a second by default, and its default time limit for a job is 300 s."""


@dataclass(frozen=True, slots=True)
class Instruments:
    """`wait` has the one label `task`, `duration` has `task` and `outcome`, in this order; both are in seconds."""

    wait: Histogram
    duration: Histogram

    @classmethod
    def create(cls, registry: CollectorRegistry = REGISTRY, buckets: Sequence[float] = BUCKETS) -> "Instruments":
        """New metrics. There are no stable conventions for queues, so the names are our own."""
        return cls(
            Histogram(
                "arq_job_wait_seconds",
                "Time from when a job was due to its start",
                ["task"],
                registry=registry,
                buckets=tuple(buckets),
            ),
            Histogram(
                "arq_job_duration_seconds",
                "Time one attempt at a job ran",
                ["task", "outcome"],
                registry=registry,
                buckets=tuple(buckets),
            ),
        )


@cache
def default_instruments() -> Instruments:
    """What is used where nothing else is given: one pair for the process, in Prometheus' own registry."""
    return Instruments.create()
