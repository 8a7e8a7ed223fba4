"""What a whole trace has to have: spans for `{…}`, and for several of them joined by `&&` and `||`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from observability.traces.query.candidate import Candidate
from observability.traces.query.conditions import Comparison, Condition, comparisons


@dataclass(frozen=True)
class Filter:
    """`{ condition }`: the spans that meet it; all spans without one."""

    condition: Condition | None = None

    def holds(self, span: Candidate) -> bool:
        """Whether a span is among them."""
        return self.condition is None or self.condition.holds(span)


@dataclass(frozen=True)
class Both:
    """`{…} && {…}`: the trace has spans for each part; the result is all of these spans."""

    parts: tuple["Spanset", ...]


@dataclass(frozen=True)
class Either:
    """`{…} || {…}`: the trace has spans for some part; the result is the spans of all parts."""

    parts: tuple["Spanset", ...]


Spanset: TypeAlias = Filter | Both | Either

Select: TypeAlias = Callable[[Filter], list[Candidate]]
"""The spans of the trace at hand that a filter lets through."""


def matched(spanset: Spanset, select: Select) -> list[Candidate]:
    """The spans of one trace that a query finds, each once; none where the trace does not match."""
    if isinstance(spanset, Filter):
        return select(spanset)
    found: dict[bytes, Candidate] = {}
    for part in spanset.parts:
        spans = matched(part, select)
        if not spans and isinstance(spanset, Both):
            return []
        found.update((span.span_id, span) for span in spans)
    return list(found.values())


def filters(spanset: Spanset) -> Iterator[Filter]:
    """Every filter in a query, from left to right."""
    if isinstance(spanset, Filter):
        yield spanset
    else:
        for part in spanset.parts:
            yield from filters(part)


def compared(spanset: Spanset) -> list[Comparison]:
    """Every comparison in a query."""
    return [one for each in filters(spanset) if each.condition is not None for one in comparisons(each.condition)]
