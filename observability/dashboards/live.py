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

RANGE_SECONDS = 900.0
"""How far back a page shows, if nobody asks for more."""

TRACE_LABEL = "trace_id"
"""What the label of an exemplar is called that holds its trace."""

_VARIABLE = re.compile(r"\$\{?([a-z_]+)\}?")


class PrometheusError(RuntimeError):
    """Prometheus cannot be asked, or does not understand the question; the text says which one."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its labels and its points (seconds since the epoch, value)."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...] = field(repr=False)

    @property
    def last(self) -> float:
        """The newest value."""
        return self.points[-1][1]

    def name(self, legend: str) -> str:
        """The legend with this line's labels in it; the labels themselves where there is no legend."""
        if not legend:
            return ", ".join(value for name, value in sorted(self.labels.items()) if name != "__name__")
        return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: self.labels.get(found[1], ""), legend)


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One request of those that a histogram counted: when (seconds since the epoch), its value, its trace."""

    at: float
    value: float
    trace_id: str


class Prometheus:
    """A running Prometheus at `url`; the page's variables stand for everything."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def series(self, query: Query, *, seconds: float = RANGE_SECONDS, end: float | None = None) -> list[Series]:
        """What the last `seconds` held, or those before `end` (seconds since the epoch).

        Raises:
            PrometheusError: no answer, or an error instead of one.
        """
        found = self._ask("/api/v1/query_range", query, seconds, end, step=str(STEP_SECONDS))["result"]
        # what is not a number (a ratio of nothing to nothing) is no answer
        lines = [
            Series(each["metric"], tuple((float(at), float(text)) for at, text in each["values"] if text != "NaN"))
            for each in found
        ]
        return [line for line in lines if line.points]

    def now(self, query: Query, *, seconds: float = RANGE_SECONDS) -> list[Series]:
        """What holds now, one point each, for the columns of a table; `$__range` in the query is `seconds`."""
        found = self._ask("/api/v1/query", query, seconds)["result"]
        return [
            Series(each["metric"], ((float(at), float(text)),))
            for each in found
            for at, text in [each["value"]]
            if text != "NaN"
        ]

    def exemplars(self, query: Query, *, seconds: float = RANGE_SECONDS) -> list[Exemplar]:
        """The requests that Prometheus kept a trace of, among those that the query is about; the slowest first."""
        found = [
            Exemplar(float(each["timestamp"]), float(each["value"]), each["labels"][TRACE_LABEL])
            for series in self._ask("/api/v1/query_exemplars", query, seconds)
            for each in series["exemplars"]
            if each["labels"].get(TRACE_LABEL)
        ]
        return sorted(set(found), key=lambda each: each.value, reverse=True)

    def _ask(self, path: str, query: Query, seconds: float, end: float | None = None, **more: str) -> Any:
        now = time.time() if end is None else end
        values = {"__range": f"{max(1, round(seconds))}s"}
        expression = _VARIABLE.sub(lambda found: values.get(found[1], ".*"), query.expr)
        asked = {"query": expression, "start": str(now - seconds), "end": str(now), "time": str(now), **more}
        try:
            answer = self._http.post(path, data=asked).json()
        except (httpx.HTTPError, ValueError) as error:
            raise PrometheusError(f"Prometheus at {self._url} does not answer: {error}; is the platform up?") from error
        if answer.get("status") != "success":
            raise PrometheusError(f"Prometheus refuses {expression}: {answer.get('error')}")
        return answer["data"]
