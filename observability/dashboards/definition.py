"""What a dashboard is made of, whoever draws it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

COLUMNS = 24
"""Width of a dashboard, in Grafana's columns."""

ROWS_A_SCREEN = 27
"""Height of a screen of 1280 × 1024 pixels, in Grafana's units of 38 pixels: 30, and a margin of 8."""

SCREENS = 3
"""A page that has to be searched answers nothing."""

IDLE = "nothing happened in this time; try `stormglass load`"
"""Why there is nothing to show where everybody who measures it is there: shares and quantiles of nothing are none."""


class DashboardError(ValueError):
    """A page breaks one of the rules that a reader feels; the text names page and panel."""


class Unit(StrEnum):
    """Units as Grafana calls them."""

    SECONDS = "s"
    PER_SECOND = "reqps"
    OPERATIONS = "ops"
    SHARE = "percentunit"
    COUNT = "short"
    BYTES = "bytes"
    MONEY = "currencyEUR"
    MOMENT = "dateTimeAsIso"
    """Milliseconds since the epoch."""


class Shape(StrEnum):
    """How a panel looks."""

    LINES = "timeseries"
    STACK = "stack"
    NUMBER = "stat"
    STATES = "state-timeline"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression; `$replica`-like variables are the page's, `$__range` is the time that is shown.

    `legend` is a template with `{{label}}`; in a table it is the heading of a column, which may have a unit of its own.
    """

    expr: str
    legend: str = ""
    exemplars: bool = False
    unit: Unit | None = None


def quantile(share: float, metric: str, selector: str = "", by: str = "", *, window: str = "30s") -> str:
    """PromQL for a quantile of a histogram.

    Where nothing was observed there is no line: the NaN that Prometheus makes of it would be drawn as an empty picture
    by Grafana, which says why it is empty only where there is nothing at all.
    """
    grouped = f"{by}, le" if by else "le"
    return f"histogram_quantile({share}, sum by ({grouped}) (rate({metric}_bucket{{{selector}}}[{window}]))) >= 0"


def quantiles(
    metric: str,
    selector: str = "",
    by: str = "",
    *,
    shares: tuple[float, ...] = (0.5, 0.95, 0.99),
    exemplars: bool = True,
) -> tuple[Query, ...]:
    """Queries for quantiles over half a minute; the highest one with its exemplars, where the histogram has some.

    One share of several lines is named after the line alone: which share it is, the panel has to say.
    """
    name = f"{{{{{by}}}}}" if by else ""
    return tuple(
        Query(
            quantile(share, metric, selector, by),
            name if name and len(shares) == 1 else f"{name} p{share * 100:g}".strip(),
            exemplars=exemplars and share == max(shares),
        )
        for share in shares
    )


@dataclass(frozen=True, slots=True)
class Threshold:
    """From this value on, something is worth a look (`bad=False`) or wrong; `below`: up to this value instead."""

    value: float
    bad: bool = True
    below: bool = False

    def passed(self, value: float) -> bool:
        """Whether a value is beyond it."""
        return value < self.value if self.below else value >= self.value


@dataclass(frozen=True, slots=True)
class Panel:
    """One question.

    `moves_under` is the fault that makes it move, as `stormglass fault add` takes it, where it is empty in a healthy
    platform; `needs` is the process without which there is nothing to show, where that is optional or exists natively
    only. `width` is in columns of 24, `height` in units of 38 pixels.

    What leads on from here: `leads_to` is the page that answers the next question, `traces` a TraceQL query that finds
    the traces of what is shown, `logs` a pattern for the services whose log lines tell more. `keys` are the labels that
    make a row of a table; `words` say what a state means, `empty` what it means that there is nothing.
    """

    title: str
    description: str
    unit: Unit
    queries: tuple[Query, ...]
    shape: Shape = Shape.LINES
    width: int = 8
    height: int = 7
    moves_under: str = ""
    needs: str = ""
    threshold: Threshold | None = None
    leads_to: str = ""
    traces: str = ""
    logs: str = ""
    keys: tuple[str, ...] = ()
    words: tuple[tuple[int, str], ...] = ()
    empty: str = ""

    @property
    def nothing(self) -> str:
        """What is said where there is nothing to show."""
        if self.empty or self.moves_under:
            return self.empty or f"nothing; it moves under {self.moves_under}"
        return f"no data: it needs {self.needs}, or {IDLE}" if self.needs else f"no data: {IDLE}"


@dataclass(frozen=True, slots=True)
class Row:
    """Panels that belong together, under a heading; none: the first row of a page needs no heading."""

    title: str
    panels: tuple[Panel, ...]

    @property
    def height(self) -> int:
        """Units of height with the heading, panels flowing into lines of `COLUMNS`."""
        line = used = tallest = 0
        for panel in self.panels:
            if used + panel.width > COLUMNS:
                line, used, tallest = line + tallest, 0, 0
            used, tallest = used + panel.width, max(tallest, panel.height)
        return line + tallest + (1 if self.title else 0)


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice above the panels: the values of `label` in the series of `metric`."""

    name: str
    metric: str
    label: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One page; `uid` is its address in Grafana and its name on the command line."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = field(default_factory=tuple)

    def panels(self) -> Iterator[Panel]:
        """Every panel in reading order."""
        for row in self.rows:
            yield from row.panels


def check(page: Dashboard) -> None:
    """Hold a page to the rules.

    Raises:
        DashboardError: it is too long, or a panel lacks something, is too narrow to be read, or has its title twice.
    """
    if sum(row.height for row in page.rows) > SCREENS * ROWS_A_SCREEN:
        raise DashboardError(f"{page.uid} has more than {SCREENS} screens")
    seen: set[str] = set()
    for panel in page.panels():
        for fault in _faults(panel, seen):
            raise DashboardError(f"{page.uid}, {panel.title or 'a panel'}: {fault}")
        seen.add(panel.title)


def _faults(panel: Panel, seen: set[str]) -> Iterator[str]:
    if not panel.title or not panel.description.endswith("."):
        yield "a title and a description in whole sentences are wanted"
    if panel.title in seen:
        yield "the title is taken"
    if not panel.queries:
        yield "it asks nothing"
    if not 4 <= panel.width <= COLUMNS or (panel.shape is not Shape.NUMBER and panel.width < 6):
        yield "it is too narrow to be read at 1280 pixels"
    if len(panel.queries) > 1 and not all(query.legend for query in panel.queries):
        yield "several queries and no legend"
    if (panel.shape is Shape.TABLE) != bool(panel.keys):
        yield "a table needs keys, and nothing else has them"
    if any(query.exemplars for query in panel.queries) and not panel.traces:
        yield "it shows requests as dots and does not lead to their traces"
