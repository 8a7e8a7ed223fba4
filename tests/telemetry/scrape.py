"""What the processes of a running platform serve on `/metrics`."""

import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from stormglass.telemetry.names import ALL
from stormglass.testing import Platform

OPENMETRICS = "application/openmetrics-text"
OURS = frozenset(service for metric in ALL for service in metric.served_by)
"""Processes whose metrics are declared; the others are Traefik, the exporters and Alertmanager."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one process served; `service` is its process in the topology."""

    service: str
    replica: str
    families: list[Family]

    @property
    def series(self) -> int:
        return sum(len(family.samples) for family in self.families)


def pages(platform: Platform, *services: str) -> Iterator[Page]:
    """The page of every process that Prometheus is told of, or of the replicas of some."""
    instance = platform.instance
    for edge in instance.topology.edges_of("prometheus"):
        process = instance.topology.owner(edge.label)
        if edge.replica <= instance.replicas_of(process) and (not services or process.name in services):
            address = instance.address(edge.label, edge.replica)
            yield Page(process.name, process.replica_name(edge.replica), read(address))


def read(address: str) -> list[Family]:
    """The families at `host:port`, read by the parser of the format that they came in."""
    request = urllib.request.Request(f"http://{address}/metrics", headers={"Accept": f"{OPENMETRICS}; version=1.0.0"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        text, kind = answer.read().decode(), answer.headers["Content-Type"]
    return list((read_openmetrics if kind.startswith(OPENMETRICS) else read_text)(text))


def value(found: list[Family], name: str, **labels: str) -> float:
    """Sum of the samples of a name that have these labels, among others; 0 where there is none."""
    return sum(
        sample.value
        for family in found
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def total(platform: Platform, name: str, *services: str, **labels: str) -> float:
    """The same over all processes, or over the replicas of some."""
    return sum(value(page.families, name, **labels) for page in pages(platform, *services))
