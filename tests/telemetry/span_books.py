"""What became of the spans of every process, by their own `/metrics`: nothing may be missing."""

import urllib.request
from collections import Counter
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from stormglass.testing import Platform, eventually
from stormglass.topology import TOPOLOGY

CLIENTS = tuple(edge.client for edge in TOPOLOGY.edges if edge.label == "traces" and edge.client != "edge")
"""The processes of ours that deliver spans."""


@dataclass(frozen=True)
class Books:
    """The counts of some processes together."""

    ended: int = 0
    exported: int = 0
    sampled_out: int = 0
    kept: int = 0
    waiting: int = 0
    undecided: int = 0
    dropped: int = 0
    reasons: tuple[tuple[str, int], ...] = ()

    @property
    def missing(self) -> int:
        """Ended spans of which nobody knows what became; while spans move, a few on their way."""
        known = self.exported + self.sampled_out + self.waiting + self.undecided + self.dropped
        return self.ended - known

    def dropped_by(self, reason: str) -> int:
        """Spans dropped for one reason."""
        return dict(self.reasons).get(reason, 0)


def replicas(platform: Platform) -> list[str]:
    """Every replica that delivers spans."""
    instance = platform.instance
    return [process.replica_name(number) for process, number in instance.places() if process.name in CLIENTS]


def samples(platform: Platform, replica: str) -> dict[tuple[str, str], float]:
    """The telemetry metrics of one replica, by name and reason."""
    service, _, number = replica.rpartition("-")
    url = f"http://{platform.address(f'{service}:admin', int(number))}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    return {
        (sample.name, sample.labels.get("reason", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("telemetry_")
    }


def books(platform: Platform, *wanted: str) -> Books:
    """The counts of these replicas; of all of them if none is named."""
    total: Counter[tuple[str, str]] = Counter()
    for replica in wanted or replicas(platform):
        total.update({key: int(value) for key, value in samples(platform, replica).items() if not _time(key)})

    def by(name: str) -> dict[str, int]:
        return {reason: count for (found, reason), count in total.items() if found == name}

    dropped = by("telemetry_spans_dropped_total")
    return Books(
        ended=sum(by("telemetry_spans_ended_total").values()),
        exported=sum(by("telemetry_spans_exported_total").values()),
        sampled_out=sum(by("telemetry_spans_sampled_out_total").values()),
        kept=sum(by("telemetry_spans_kept_total").values()),
        waiting=sum(by("telemetry_span_queue_length").values()),
        undecided=sum(by("telemetry_spans_undecided").values()),
        dropped=sum(dropped.values()),
        reasons=tuple(sorted(dropped.items())),
    )


def settled(platform: Platform, *wanted: str, seconds: float = 30) -> Books:
    """The counts once nothing moves and every span is accounted for."""

    def ask() -> Books | None:
        seen = books(platform, *wanted)
        return seen if not (seen.missing or seen.waiting or seen.undecided) else None

    return eventually(ask, seconds=seconds, what="every ended span accounted for")


def _time(key: tuple[str, str]) -> bool:
    return key[0].endswith("_created")
