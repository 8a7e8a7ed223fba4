"""What a panel shows right now: its queries, asked of a running Prometheus."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

from observability.dashboards.definition import Query

TIMEOUT_SECONDS = 10.0
STEP_SECONDS = 5
"""As often as Prometheus looks."""

_VARIABLE = re.compile(r"\$\{?([a-z_]+)\}?")


class PrometheusError(RuntimeError):
    """Prometheus cannot be asked, or does not understand the question; the text says which one."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its labels and its points (seconds since the epoch, value)."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...] = field(repr=False)

    def name(self, legend: str) -> str:
        """The legend with this line's labels in it; the labels themselves where there is no legend."""
        if not legend:
            return ", ".join(value for name, value in sorted(self.labels.items()) if name != "__name__")
        return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: self.labels.get(found[1], ""), legend)


class Prometheus:
    """A running Prometheus at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def series(self, query: Query, *, seconds: float = 900.0, values: Mapping[str, str] | None = None) -> list[Series]:
        """What the last `seconds` held; a variable that `values` does not name stands for everything.

        Raises:
            PrometheusError: no answer, or an error instead of one.
        """
        expression = _VARIABLE.sub(lambda found: (values or {}).get(found[1], ".*"), query.expr)
        now = time.time()
        parameters = {"query": expression, "start": str(now - seconds), "end": str(now), "step": str(STEP_SECONDS)}
        found = self._ask("/api/v1/query_range", parameters)["result"]
        # what is not a number (a ratio of nothing to nothing) is no answer
        lines = [
            Series(each["metric"], tuple((float(at), float(text)) for at, text in each["values"] if text != "NaN"))
            for each in found
        ]
        return [line for line in lines if line.points]

    def _ask(self, path: str, parameters: Mapping[str, str]) -> Any:
        try:
            answer = self._http.get(path, params=dict(parameters)).json()
        except (httpx.HTTPError, ValueError) as error:
            raise PrometheusError(f"Prometheus at {self._url} does not answer: {error}; is the platform up?") from error
        if answer.get("status") != "success":
            raise PrometheusError(f"Prometheus refuses {parameters['query']}: {answer.get('error')}")
        return answer["data"]
