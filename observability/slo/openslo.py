"""Reading OpenSLO v1: the part of the format that we use, and a clear error about everything else.

Source: OpenSLO specification, v1 (`kind: SLO`, inline indicator, `ratioMetric`, `budgetingMethod: Occurrences`).
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml

WINDOW = "{{.window}}"
"""What a query has in place of a window's length."""

_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=63)]
_DAYS = re.compile(r"([1-9]\d*)d")


class SLOError(ValueError):
    """A file is not an objective that we can use; the text names the file and what is wrong."""


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    """What is not known here would be ignored silently otherwise."""


class _Metadata(_Strict):
    name: _Name
    displayName: str = ""  # noqa: N815 - OpenSLO's name


class _Query(_Strict):
    query: Annotated[str, msgspec.Meta(min_length=1)]


class _MetricSource(_Strict):
    type: Literal["Prometheus"]
    spec: _Query


class _Metric(_Strict):
    metricSource: _MetricSource  # noqa: N815 - OpenSLO's name


class _RatioMetric(_Strict):
    counter: Literal[True]
    total: _Metric
    good: _Metric | None = None
    bad: _Metric | None = None


class _IndicatorSpec(_Strict):
    ratioMetric: _RatioMetric  # noqa: N815 - OpenSLO's name


class _Indicator(_Strict):
    metadata: _Metadata
    spec: _IndicatorSpec


class _TimeWindow(_Strict):
    duration: str
    isRolling: Literal[True]  # noqa: N815 - OpenSLO's name


class _Objective(_Strict):
    displayName: str  # noqa: N815 - OpenSLO's name
    target: Annotated[float, msgspec.Meta(gt=0, lt=1)]


class _Spec(_Strict):
    description: str
    service: _Name
    budgetingMethod: Literal["Occurrences"]  # noqa: N815 - OpenSLO's name
    timeWindow: Annotated[list[_TimeWindow], msgspec.Meta(min_length=1, max_length=1)]  # noqa: N815 - the same
    indicator: _Indicator
    objectives: Annotated[list[_Objective], msgspec.Meta(min_length=1, max_length=1)]


class _Document(_Strict):
    apiVersion: Literal["openslo/v1"]  # noqa: N815 - OpenSLO's name
    kind: Literal["SLO"]
    metadata: _Metadata
    spec: _Spec


class SLO(msgspec.Struct, frozen=True):
    """One objective: `target` is the share of events (0 to 1) that are good over `days`.

    `error` is a query for the share of bad events, with `WINDOW` in it; `total` one for events per second.
    """

    name: str
    title: str
    description: str
    service: str
    target: float
    days: int
    error: str
    total: str

    @property
    def budget(self) -> float:
        """The share of events that may be bad."""
        return 1 - self.target


def read(folder: Path) -> list[SLO]:
    """The objectives of all `*.yaml` in a folder, by file and place.

    Raises:
        SLOError: a document is malformed, a query has no window, or two objectives have one name.
    """
    found: dict[str, SLO] = {}
    for path in sorted(folder.glob("*.yaml")):
        for slo in _of(path):
            if slo.name in found:
                raise SLOError(f"{path}: there is another objective called {slo.name}")
            found[slo.name] = slo
    return list(found.values())


def _of(path: Path) -> Iterator[SLO]:
    try:
        documents: Iterable[Any] = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        for document in documents:
            yield _slo(msgspec.convert(document, _Document))
    except (yaml.YAMLError, msgspec.ValidationError, SLOError) as error:
        raise SLOError(f"{path}: {error}") from error


def _slo(document: _Document) -> SLO:
    spec, ratio = document.spec, document.spec.indicator.spec.ratioMetric
    days = _DAYS.fullmatch(spec.timeWindow[0].duration)
    if days is None:
        raise SLOError(
            f"{document.metadata.name}: the time window is not a number of days: {spec.timeWindow[0].duration}"
        )
    if (ratio.good is None) == (ratio.bad is None):
        raise SLOError(f"{document.metadata.name}: exactly one of good and bad is wanted")
    total = ratio.total.metricSource.spec.query
    part = (ratio.good or ratio.bad or ratio.total).metricSource.spec.query
    for query in (total, part):
        if WINDOW not in query:
            raise SLOError(f"{document.metadata.name}: a query has no {WINDOW}: {query}")
    # a series that does not exist yet counts nothing; without this, total failure would look like no data
    share = f"(({part}) or vector(0)) / ({total})"
    return SLO(
        name=document.metadata.name,
        title=document.metadata.displayName or document.metadata.name,
        description=spec.description,
        service=spec.service,
        target=spec.objectives[0].target,
        days=int(days[1]),
        # good events are counted a moment after the total in some indicators: less than nothing is nothing
        error=f"clamp_min(1 - {share}, 0)" if ratio.good else share,
        total=total,
    )
