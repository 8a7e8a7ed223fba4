"""What a colour means, the same on every page, in Grafana and on the pages drawn here.

The labels in a panel's legend decide: each label that means something has a table of values and colours, and a value
that stands in none takes its colour from the palette of whoever draws. Where a legend holds two such labels, the one
that stands earlier in `MEANINGS` decides, for how an answer ended matters more than who gave it. A part of the platform
decides only where it stands alone: `redis → origin` and `redis → local_limiter` have to be told apart.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

GOOD, WATCH, BAD = "#16a34a", "#f59e0b", "#dc2626"
"""As it should be; worth a look; wrong."""

FAULT = "#9f1239"
"""Something is being broken on purpose: the bands behind every chart."""

EXEMPLAR = "#0f172a"
"""One request, drawn as a dot."""

NEUTRAL, PALE = "#94a3b8", "#cbd5e1"
_BLUE, _TEAL, _ORANGE, _PURPLE = "#3b82f6", "#0d9488", "#ea580c", "#9333ea"

STATUS = {
    "1(xx|..)": PALE,
    "2(xx|..)": GOOD,
    "3(xx|..)": _BLUE,
    "4(xx|..)": "#eab308",
    "5(xx|..)": BAD,
    "0(xx)?|no answer": "#7f1d1d",
}
"""Classes of answers, and single codes; `0` is a call that got no answer."""

CACHE = {
    "hit": GOOD,
    "validated|collapsed": "#86efac",
    "miss": NEUTRAL,
    "request": PALE,
    "stale|revalidating": WATCH,
    "bypass": _PURPLE,
}
"""What became of a read through a cache."""

OUTCOME = {
    "placed|reserved|new|first": _BLUE,
    "done|confirmed|sent|committed|stored": GOOD,
    "found|replayed|validated": _TEAL,
    "retry|overdue|delayed|repeated": WATCH,
    "cancelled|released": _ORANGE,
    "expired|refused": "#b45309",
    "skipped|rolled_back|older|late|invalidated": NEUTRAL,
    "dead|failed|lost|unreachable": BAD,
}
"""What became of an order, a job, a mail, a transaction, a reservation."""

QUANTILES = {"p50": "#c4b5fd", "p95": "#8b5cf6", "p99": "#4c1d95"}
"""One ramp: the darker, the rarer."""

PARTS = {
    "edge": "#475569",
    "internal": "#64748b",
    "gateway": "#0284c7",
    "users": "#ec4899",
    "products": "#0d9488",
    "orders": "#7c3aed",
    "worker": "#a16207",
    "postgres": "#1e40af",
    "redis": "#c2410c",
    "mail": "#65a30d",
    "traces": "#78716c",
    "prometheus": "#e879f9",
    "alertmanager": "#c084fc",
    "keeper": "#a3a3a3",
    "faults|faultproxy": "#f472b6",
    "postgres-exporter": "#93c5fd",
    "redis-exporter": "#fdba74",
    "user": "#0f172a",
}
"""The parts of the platform. A second replica is paler than the first; to the balancer it is `orders-2@file`."""

TABLES: tuple[Mapping[str, str], ...] = (STATUS, CACHE, OUTCOME, QUANTILES, PARTS)

MEANINGS: Mapping[str, Mapping[str, str]] = {
    "class": STATUS,
    "code": STATUS,
    "http_response_status_code": STATUS,
    "result": CACHE,
    "outcome": OUTCOME,
    "copy": OUTCOME,
    "reason": OUTCOME,
    "service": PARTS,
    "replica": PARTS,
    "process": PARTS,
    "server": PARTS,
    "exported_service": PARTS,
    "dependency": PARTS,
    "datname": PARTS,
    "type": {".*": FAULT},
}
"""Label and what its values mean."""

PALETTE = ("#3b82f6", "#f59e0b", "#14b8a6", "#8b5cf6", "#ec4899", "#84cc16", "#64748b", "#f97316", "#06b6d4", "#a16207")
"""For values without a meaning of their own: routes, tasks, objectives. Neither of the colours of good and wrong."""

_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Rule:
    """Every line whose whole name matches `pattern` has this colour; of several rules the first one counts."""

    pattern: str
    colour: str

    def matches(self, name: str) -> bool:
        """Whether it says something about a line of this name."""
        return re.fullmatch(self.pattern, name) is not None


def rules(legends: Iterable[str]) -> tuple[Rule, ...]:
    """The rules for a panel with these legends."""
    return tuple(dict.fromkeys(rule for legend in legends for rule in _rules(legend)))


def colour(name: str, of: Iterable[Rule]) -> str | None:
    """The colour of a line; None: it has no meaning of its own."""
    return next((rule.colour for rule in of if rule.matches(name)), None)


def _rules(legend: str) -> Iterator[Rule]:
    labels = _PLACE.findall(legend)
    deciding = next((label for label in MEANINGS if label in labels), None)
    if deciding and MEANINGS[deciding] is PARTS and len(labels) > 1:
        return
    if deciding:
        before, after = (_open(part) for part in re.split(r"\{\{\s*" + deciding + r"\s*\}\}", legend, maxsplit=1))
        for value, shade in MEANINGS[deciding].items():
            parts = MEANINGS[deciding] is PARTS
            yield Rule(f"{before}({value}){'(-1)?(@.*)?' if parts else ''}{after}", shade)
            if parts:
                yield Rule(f"{before}({value})-[0-9]+(@.*)?{after}", paler(shade))
    elif named := next((text for text in QUANTILES if legend.split()[-1:] == [text]), None):
        yield Rule(_open(legend), QUANTILES[named])
    else:
        # a legend without labels is a value by itself: `stale`, `gateway`
        for table in TABLES:
            yield from (Rule(re.escape(legend), shade) for value, shade in table.items() if re.fullmatch(value, legend))


def _open(text: str) -> str:
    """A piece of a legend as a pattern, with anything where a label stands."""
    return ".*".join(re.escape(piece) for piece in _PLACE.split(text)[::2])


def paler(shade: str) -> str:
    """A colour half way to white."""
    return "#" + "".join(f"{(int(shade[at : at + 2], 16) + 255) // 2:02x}" for at in (1, 3, 5))
