"""The log lines of one trace, as `stormglass logs --trace` finds them in an instance's files."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from stormglass.runtime.instance import load
from stormglass.runtime.logs import Line, history, sources

_SHOWN = frozenset(
    {"timestamp", "time", "ts", "level", "event", "message", "msg", "trace_id", "span_id", "service", "replica"}
)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. `time_ns` since 1970; `fields` are what it says beyond its text."""

    time_ns: int
    source: str
    span_id: str
    level: str
    text: str
    fields: dict[str, Any] = field(default_factory=dict)


def lines_of(instance: str, trace_id: str) -> list[LogLine]:
    """All lines of a trace from every process of an instance, in order of time."""
    found = load(instance)
    replicas = [process.replica_name(number) for process, number in found.places()]
    return [_line(line) for line in history(sources(found, [*replicas, "manager"]), trace_id=trace_id, count=0)]


def lines_of_each(instance: str, trace_ids: Collection[str]) -> dict[str, list[LogLine]]:
    """The same for several traces, for one reading of all files."""
    found = load(instance)
    replicas = [process.replica_name(number) for process, number in found.places()]
    lines: dict[str, list[LogLine]] = {trace_id: [] for trace_id in trace_ids}
    for source in sources(found, [*replicas, "manager"]) if lines else ():
        for line in source.history(whole=True):
            if (trace_id := str(line.fields.get("trace_id", ""))) in lines:
                lines[trace_id].append(_line(line))
    return {trace_id: sorted(of, key=lambda line: line.time_ns) for trace_id, of in lines.items()}


def _line(line: Line) -> LogLine:
    fields = line.fields
    return LogLine(
        time_ns=round(line.time * 1e9),
        source=line.source,
        span_id=str(fields.get("span_id", "")),
        level=str(fields.get("level", "info")).lower(),
        text=str(fields.get("event") or fields.get("message") or fields.get("msg") or line.text),
        fields={name: value for name, value in fields.items() if name not in _SHOWN},
    )
