"""Which work decided how long something took: the chain of spans that, shortened, would have shortened the whole.

Read backwards from the end: what a span was doing last is its child that ended last, and before that child began,
again the child that had ended last by then. Where no child ran, the span itself did (the method Uber's CRISP and Jaeger
use). Children that ended while another one held everything up are not on it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from observability.traces.model import Span, Trace
from observability.traces.tree import ordered


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the path, in ns since 1970. `waiting`: nothing ran, until span `span_id` began."""

    span_id: str
    start_ns: int
    end_ns: int
    waiting: bool = False

    @property
    def duration_ns(self) -> int:
        """Always more than 0."""
        return self.end_ns - self.start_ns


@dataclass(slots=True)
class _Frame:
    """A span whose children are being walked through, the last one first; `begin` to `cursor` is undecided."""

    span: Span
    begin: int
    cursor: int
    children: Iterator[Span]
    end: int = field(init=False)
    after: str = ""

    def __post_init__(self) -> None:
        self.end = self.cursor


def critical_path(trace: Trace, *, to_the_end: bool = False) -> tuple[Segment, ...]:
    """The path from the root's start to its end: what the caller waited for.

    With `to_the_end` it goes on to the end of the last span below the root, however long after the root's own: what
    the result in a queue's worker waited for. Stretches in which no span ran (a queue) are `waiting` then.
    """
    children = _children(trace)
    ends = {span.span_id: max(span.end_ns, span.start_ns) for span in trace.spans}
    if to_the_end:
        for node in reversed(ordered(trace)):
            below = (ends[child.span_id] for child in children.get(node.span.span_id, ()))
            ends[node.span.span_id] = max(ends[node.span.span_id], *below, 0)

    def frame(span: Span, begin: int, end: int) -> _Frame:
        below = (child for child in children.get(span.span_id, ()) if to_the_end or _awaited(child, span))
        last_first = sorted(below, key=lambda child: ends[child.span_id], reverse=True)
        return _Frame(span, begin, end, iter(last_first))

    found: list[Segment] = []
    stack = [frame(trace.root, trace.root.start_ns, ends[trace.root.span_id])]
    while stack:
        top = stack[-1]
        child = next(top.children, None)
        if child is None:
            found.extend(_segments(top, top.begin))
            stack.pop()
            continue
        # clocks differ: nothing of a child counts that is not within its parent's time
        begin, end = max(child.start_ns, top.begin), min(ends[child.span_id], top.end)
        if begin < end <= top.cursor:
            found.extend(_segments(top, end))
            top.cursor, top.after = begin, child.span_id
            stack.append(frame(child, begin, end))
    return tuple(sorted(found, key=lambda segment: segment.start_ns))


def _awaited(child: Span, parent: Span) -> bool:
    """Whether the parent may have waited for it: not for who takes messages, nor for others that send some."""
    return child.kind != "consumer" and (child.kind != "producer" or child.service == parent.service)


def _segments(frame: _Frame, start: int) -> Iterator[Segment]:
    """What fills the time from `start` to the frame's cursor: the span itself as long as it ran, then waiting."""
    stopped = min(max(frame.span.end_ns, start), frame.cursor)
    if stopped > start:
        yield Segment(frame.span.span_id, start, stopped)
    if frame.cursor > stopped:
        yield Segment(frame.after or frame.span.span_id, stopped, frame.cursor, waiting=True)


def _children(trace: Trace) -> dict[str, list[Span]]:
    """Children by the id of their parent, as `ordered` sees them: also where parents point in a circle."""
    children: dict[str, list[Span]] = {}
    above: list[str] = []
    for node in ordered(trace):
        del above[node.depth :]
        if above:
            children.setdefault(above[-1], []).append(node.span)
        above.append(node.span.span_id)
    return children
