"""The two metrics of an HTTP server, as Prometheus knows them: how long answers took, and how many are being made."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Gauge, Histogram

DURATION_LABELS = ("http_request_method", "http_route", "http_response_status_code", "url_scheme", "error_type")
ACTIVE_LABELS = ("http_request_method", "url_scheme")

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Seconds; the boundaries that the semantic conventions advise for `http.server.request.duration`."""


class Instruments:
    """Histogram and gauge, with a memory of their children: to look one up costs more than to observe.

    Both may have any of the labels above, in any order; those they do not have are left out.
    """

    def __init__(
        self,
        duration: Histogram,
        active: Gauge,
        duration_labels: Sequence[str] = DURATION_LABELS,
        active_labels: Sequence[str] = ACTIVE_LABELS,
    ) -> None:
        """Use metrics that exist.

        Raises:
            ValueError: one of them has a label that an HTTP server has no value for.
        """
        for names, known in ((duration_labels, DURATION_LABELS), (active_labels, ACTIVE_LABELS)):
            if unknown := set(names) - set(known):
                raise ValueError(f"no value is known for the labels {sorted(unknown)}: use some of {', '.join(known)}")
        self._duration = duration
        self._active = active
        self._duration_labels = tuple(duration_labels)
        self._active_labels = tuple(active_labels)
        self._durations: dict[tuple[str, ...], Any] = {}
        self._actives: dict[tuple[str, str], Any] = {}

    @classmethod
    def create(
        cls, registry: CollectorRegistry = REGISTRY, buckets: Sequence[float] = BUCKETS, *, exclude: Sequence[str] = ()
    ) -> "Instruments":
        """New metrics under the names of the conventions, spelt for Prometheus, without the labels `exclude`."""
        duration_labels = [label for label in DURATION_LABELS if label not in exclude]
        active_labels = [label for label in ACTIVE_LABELS if label not in exclude]
        duration = Histogram(
            "http_server_request_duration_seconds",
            "Duration of HTTP server requests.",
            duration_labels,
            registry=registry,
            buckets=tuple(buckets),
        )
        active = Gauge(
            "http_server_active_requests",
            "Number of active HTTP server requests.",
            active_labels,
            registry=registry,
        )
        return cls(duration, active, duration_labels, active_labels)

    def active(self, method: str, scheme: str) -> Any:
        """The gauge of requests that are being answered."""
        key = (method, scheme)
        if key not in self._actives:
            self._actives[key] = self._labelled(
                self._active, self._active_labels, {"http_request_method": method, "url_scheme": scheme}
            )
        return self._actives[key]

    def duration(self, method: str, route: str, status: str, scheme: str, error: str) -> Any:
        """The histogram of answers, in seconds."""
        key = (method, route, status, scheme, error)
        if key not in self._durations:
            labels = dict(zip(DURATION_LABELS, key, strict=True))
            self._durations[key] = self._labelled(self._duration, self._duration_labels, labels)
        return self._durations[key]

    @staticmethod
    def _labelled(metric: Any, names: tuple[str, ...], values: Mapping[str, str]) -> Any:
        return metric.labels(**{name: values[name] for name in names}) if names else metric


@cache
def default_instruments() -> Instruments:
    """What is used where nothing else is given: one pair for the process, in Prometheus' own registry."""
    return Instruments.create()
