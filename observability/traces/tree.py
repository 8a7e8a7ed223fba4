"""The spans of a trace in causal order: each below its parent, siblings by their start."""

from collections.abc import Iterator
from dataclasses import dataclass

from observability.traces.model import Span, Trace


@dataclass(frozen=True, slots=True)
class Node:
    """A span and its place. `last` holds, for each level from the top, whether that ancestor is the last sibling."""

    span: Span
    last: tuple[bool, ...]
    has_children: bool
    orphan: bool

    @property
    def depth(self) -> int:
        """0 for a root."""
        return len(self.last)


def ordered(trace: Trace) -> list[Node]:
    """Every span exactly once, even where parents are missing or point in a circle."""
    by_id = {span.span_id: span for span in trace.spans}
    children: dict[str, list[Span]] = {}
    tops: list[Span] = []
    for span in sorted(trace.spans, key=lambda span: span.start_ns):
        if span.parent_span_id in by_id and span.parent_span_id != span.span_id:
            children.setdefault(span.parent_span_id, []).append(span)
        else:
            tops.append(span)
    tops.sort(key=lambda span: bool(span.parent_span_id))
    seen: set[str] = set()
    nodes = [node for top in tops for node in _below(top, children, seen)]
    for span in trace.spans:
        # what no top leads to stands in a circle
        if span.span_id not in seen:
            nodes.extend(_below(span, children, seen))
    return nodes


def _below(top: Span, children: dict[str, list[Span]], seen: set[str]) -> Iterator[Node]:
    orphan = bool(top.parent_span_id)
    stack: list[tuple[Span, tuple[bool, ...]]] = [(top, ())]
    while stack:
        span, last = stack.pop()
        if span.span_id in seen:
            continue
        seen.add(span.span_id)
        own = [child for child in children.get(span.span_id, []) if child.span_id not in seen]
        yield Node(span, last, bool(own), orphan and not last)
        stack.extend((child, (*last, child is own[-1])) for child in reversed(own))
