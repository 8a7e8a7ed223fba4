"""A trace as a waterfall in the terminal: who did what below whom, and when."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zlib import crc32

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from observability.traces.axis import ASCII, Axis, Glyphs, format_duration
from observability.traces.hops import collection, far_end, places
from observability.traces.model import Event, Link, Span, Trace
from observability.traces.tree import Node, ordered

PALETTE = (
    "#5fafff", "#87d75f", "#ffaf5f", "#d787ff", "#5fd7d7", "#ffd75f", "#ff87af", "#afafff", "#87afaf", "#d7af87",
)  # fmt: skip
"""Readable on black and on white; red is for errors only."""

MAX_NOTES = 6
"""Events and links written out per span; the rest is counted."""

_MAX_INDENT = 14
_DURATION_WIDTH = 9
_GAP = "  "


def service_colours(services: Iterable[str]) -> dict[str, str]:
    """A colour per service: the same for the same name, different within one trace as far as the palette goes."""
    chosen: dict[str, str] = {}
    for service in sorted(set(services)):
        first = crc32(service.encode()) % len(PALETTE)
        wheel = (*PALETTE[first:], *PALETTE[:first])
        chosen[service] = next((colour for colour in wheel if colour not in chosen.values()), wheel[0])
    return chosen


@dataclass(frozen=True, slots=True)
class _Layout:
    """Widths of the columns, and how a row is put together from them."""

    services: int
    names: int
    axis: Axis

    def line(self, service: Text, name: Text, bar: Text, duration: Text) -> Text:
        """One row; what is too long for its column ends in an ellipsis."""
        service.truncate(self.services, overflow="ellipsis", pad=True)
        name.truncate(self.names, overflow="ellipsis", pad=True)
        duration.align("right", _DURATION_WIDTH)
        row = Text(_GAP).join((service, name, bar, duration))
        row.no_wrap = True
        return row

    def note(self, note: Text, bar: Text, duration: Text) -> Text:
        """A row below a span's own: its text may run on over the axis, where it has nothing to show."""
        width = self.names + len(_GAP) + self.axis.width
        if note.cell_len > self.names:
            note.truncate(width, overflow="ellipsis", pad=True)
        else:
            note.truncate(self.names, pad=True)
            note = Text(_GAP).join((note, bar))
        duration.align("right", _DURATION_WIDTH)
        row = Text(_GAP).join((Text(" " * self.services), note, duration))
        row.no_wrap = True
        return row


class Waterfall:
    """A rich renderable; made for 100 columns and more."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._nodes = ordered(trace)
        self._by_id = {span.span_id: span for span in trace.spans}
        self._places = places(trace)
        self._colours = service_colours(self._places.values())
        self._start = min(span.start_ns for span in trace.spans)
        self._end = max(max(span.end_ns, span.start_ns) for span in trace.spans)
        root = trace.root
        self._answered = root.end_ns if root.end_ns < self._end else None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        glyphs = ASCII if options.ascii_only else Glyphs()
        yield from self._headline(glyphs)
        services = min(max(len(place) for place in (*self._colours, "process")), 14)
        free = options.max_width - services - _DURATION_WIDTH - 3 * len(_GAP)
        widest = max(2 * min(node.depth, _MAX_INDENT) + len(_label(node.span).plain) for node in self._nodes)
        names = max(min(widest, free * 55 // 100, 60), 12)
        layout = _Layout(services, names, Axis(self._start, self._end, max(free - names, 10), glyphs))
        header = layout.line(Text("process"), Text("span"), layout.axis.header(), Text("duration"))
        header.stylize("bright_black")
        yield header
        for node in self._nodes:
            yield from self._rows(node, layout)

    def _headline(self, glyphs: Glyphs) -> Iterator[Text]:
        trace, root = self._trace, self._trace.root
        yield Text.assemble(
            (root.name, "bold"), "  ", (f"trace {trace.trace_id}", "bright_black"), no_wrap=True, overflow="ellipsis"
        )
        facts = [
            f"{datetime.fromtimestamp(self._start / 1e9, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC",
            _count(len(trace.spans), "span"),
            _count(len(self._colours), "process", "processes"),
            f"{format_duration(self._end - self._start, glyphs.micro)} in all",
        ]
        line = Text(f" {glyphs.dot} ".join(facts))
        if self._answered is not None:
            line.append(f" {glyphs.dot} ")
            line.append(
                f"answered after {format_duration(max(self._answered - self._start, 0), glyphs.micro)}", "green4"
            )
        if failed := sum(span.failed for span in trace.spans):
            line.append(f" {glyphs.dot} {_count(failed, 'error')}", "bold red")
        if missing := len(trace.missing_parents):
            line.append(f" {glyphs.dot} {_count(missing, 'parent')} missing", "yellow")
        yield line
        yield Text()

    def _rows(self, node: Node, layout: "_Layout") -> Iterator[Text]:
        place = self._places[node.span.span_id]
        span, axis, glyphs = node.span, layout.axis, layout.axis.glyphs
        colour = "red" if span.failed else self._colours[self._places[span.span_id]]
        name = Text(_guides(node.last, glyphs), "bright_black")
        if span.failed:
            name.append(f"{glyphs.error} ", "bold red")
        name.append_text(_label(span))
        marks = [(event.time_unix_nano, "bold red" if _is_error(event) else "bold white") for event in span.events]
        bar = axis.row((span.start_ns, span.end_ns), colour, marks, self._answered)
        duration = Text(format_duration(span.duration_ns, glyphs.micro), "bold red" if span.failed else "")
        yield layout.line(Text(place, self._colours[place]), name, bar, duration)
        notes = list(self._notes(node, glyphs))
        if len(notes) > MAX_NOTES:
            notes = [*notes[:MAX_NOTES], (Text(f"{len(notes) - MAX_NOTES} more events or links", "italic"), None)]
        indent = _guides(node.last, glyphs, continued=True) + (glyphs.through if node.has_children else "  ")
        for text, at in notes:
            offset = "" if at is None else f"+{format_duration(max(at - span.start_ns, 0), glyphs.micro)}"
            note = Text.assemble((indent, "bright_black"), text)
            yield layout.note(note, axis.row(None, "", [], self._answered), Text(offset, "bright_black"))

    def _notes(self, node: Node, glyphs: Glyphs) -> Iterator[tuple[Text, int | None]]:
        """What is told below a span, each with its moment if it has one."""
        span = node.span
        if node.orphan:
            yield Text(f"{glyphs.warning} its parent {span.parent_span_id} has not arrived", "yellow"), None
        if span.failed and span.status_message and not any(_is_error(event) for event in span.events):
            yield Text(span.status_message, "red"), None
        for link in span.links:
            yield Text(f"{glyphs.link} {self._target(link)}", "cyan"), None
        for event in span.events:
            yield (
                Text(f"{glyphs.event} {_event(event)}", "red" if _is_error(event) else "bright_black"),
                (event.time_unix_nano),
            )

    def _target(self, link: Link) -> str:
        if link.trace_id != self._trace.trace_id:
            return f"linked to trace {link.trace_id}"
        span = self._by_id.get(link.span_id)
        return f"linked to {span.name} ({span.service})" if span else f"linked to span {link.span_id}, not arrived"


def _guides(last: tuple[bool, ...], glyphs: Glyphs, *, continued: bool = False) -> str:
    """The lines left of a span's name; `continued` for the lines below it."""
    shown = last[-_MAX_INDENT:]
    if not shown:
        return ""
    above = "".join("  " if is_last else glyphs.through for is_last in shown[:-1])
    if continued:
        return above + ("  " if shown[-1] else glyphs.through)
    return above + (glyphs.last if shown[-1] else glyphs.branch)


def _label(span: Span) -> Text:
    """The span's name, the server behind it if it tells nothing itself, and the status code of an HTTP exchange."""
    status = span.attributes.get("http.response.status_code", span.attributes.get("http.status_code"))
    label = Text(span.name, "red" if span.failed else "")
    if table := collection(span):
        label.append(f" {table}")
    if server := far_end(span):
        label.append(f" → {server}", "bright_black")
    return label.append(f" {status}", "bright_black") if status is not None else label


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def _is_error(event: Event) -> bool:
    return event.name == "exception"


def _event(event: Event) -> str:
    if _is_error(event):
        kind, message = event.attributes.get("exception.type", ""), event.attributes.get("exception.message", "")
        return f"{kind}: {message}".strip(": ").replace("\n", " ")
    details = " ".join(f"{key}={value}" for key, value in event.attributes.items())
    return f"{event.name} {details}".strip().replace("\n", " ")
