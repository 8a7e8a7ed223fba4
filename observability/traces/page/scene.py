"""Everything a page shows, computed once: places, colours, the axis, critical paths, which log line belongs where."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from observability.traces.axis import Axis, Glyphs
from observability.traces.critical_path import Segment, critical_path
from observability.traces.hops import places
from observability.traces.loglines import LogLine
from observability.traces.model import Span, Trace
from observability.traces.tree import Node, ordered
from observability.traces.waterfall import service_colours

_TICKS_FOR = 96
"""Characters of an axis in a terminal that would have as many ticks as fit here."""


@dataclass(frozen=True)
class Scene:
    """A trace, prepared for drawing. Times in ns since 1970. `near` is an axis that ends soon after the answer."""

    trace: Trace
    nodes: list[Node]
    by_id: dict[str, Span]
    places: dict[str, str]
    colours: dict[str, str]
    axis: Axis
    near: Axis | None
    answered_ns: int | None
    paths: dict[str, dict[str, list[Segment]]] = field(default_factory=dict)
    logs: dict[str, list[LogLine]] = field(default_factory=dict)
    stray: list[LogLine] = field(default_factory=list)

    def share(self, time_ns: int) -> float:
        """Where a moment stands on the axis, in per cent from the left."""
        return share(self.axis, time_ns)


def share(axis: Axis, time_ns: int) -> float:
    """Where a moment stands on an axis, in per cent from its left end."""
    return min(max((time_ns - axis.start_ns) / max(axis.end_ns - axis.start_ns, 1), 0.0), 1.0) * 100


def scene(trace: Trace, lines: Sequence[LogLine]) -> Scene:
    """Prepare a trace and its log lines."""
    by_id = {span.span_id: span for span in trace.spans}
    at = places(trace)
    start = min(span.start_ns for span in trace.spans)
    end = max(max(span.end_ns, span.start_ns) for span in trace.spans)
    root = trace.root
    near_end = root.end_ns + (root.end_ns - start) // 20
    paths = {"answer": _by_span(critical_path(trace)), "end": _by_span(critical_path(trace, to_the_end=True))}
    logs: dict[str, list[LogLine]] = defaultdict(list)
    for line in lines:
        logs[line.span_id if line.span_id in by_id else ""].append(line)
    return Scene(
        trace=trace,
        nodes=ordered(trace),
        by_id=by_id,
        places=at,
        colours=service_colours(at.values()),
        axis=Axis(start, end, _TICKS_FOR, Glyphs()),
        near=Axis(start, near_end, _TICKS_FOR, Glyphs()) if start < near_end < end else None,
        answered_ns=root.end_ns if root.end_ns < end else None,
        paths=paths if root.end_ns < end else {"answer": paths["answer"]},
        stray=logs.pop("", []),
        logs=logs,
    )


def _by_span(segments: Sequence[Segment]) -> dict[str, list[Segment]]:
    found: dict[str, list[Segment]] = defaultdict(list)
    for segment in segments:
        found[segment.span_id].append(segment)
    return found
