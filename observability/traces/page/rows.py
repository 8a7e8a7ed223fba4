"""One row per span: who, what, when; and below it, in short, what happened in it."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from observability.traces.axis import format_duration
from observability.traces.hops import collection, far_end
from observability.traces.loglines import LogLine
from observability.traces.model import Event, Span
from observability.traces.page.details import details, event_text, fields_text
from observability.traces.page.markup import tag
from observability.traces.page.scene import Scene
from observability.traces.tree import Node

MAX_NOTES = 8
"""Events and log lines shown below a span; the others are found on a click."""

_MAX_INDENT = 24
_BAD = ("error", "critical")


def rows(scene: Scene) -> Iterator[Element]:
    """The waterfall's rows in causal order."""
    for node in scene.nodes:
        yield _row(scene, node)
        yield from _notes(scene, node)


def _row(scene: Scene, node: Node) -> Element:
    span = node.span
    summary = tag(
        "summary",
        _place(scene, span),
        tag("span", *_name(span), klass="name", style=_indent(node)),
        _lane(scene, span),
        tag("span", format_duration(span.duration_ns), klass="took"),
    )
    klass = "span failed" if span.failed else "span"
    return tag("details", summary, details(scene, node), klass=klass, id=f"s-{span.span_id}")


def _place(scene: Scene, span: Span) -> Element:
    place = scene.places[span.span_id]
    dot = tag("i", klass="dot", style=f"background:{scene.colours[place]}")
    return tag("span", dot, place, klass="place")


def _indent(node: Node) -> str:
    return f"--depth:{min(node.depth, _MAX_INDENT)}"


def _name(span: Span) -> Iterator[Element | str]:
    yield f"✖ {span.name}" if span.failed else span.name
    if table := collection(span):
        yield f" {table}"
    if server := far_end(span):
        yield tag("em", f" → {server}")
    status = span.attributes.get("http.response.status_code", span.attributes.get("http.status_code"))
    if status is not None:
        yield tag("em", f" {status}")


def _lane(scene: Scene, span: Span) -> Element:
    """The bar on its axis, with the critical paths in it and marks for what happened."""
    left, right = scene.share(span.start_ns), scene.share(span.end_ns)
    colour = "var(--bad)" if span.failed else scene.colours[scene.places[span.span_id]]
    parts = [tag("i", klass="bar", style=f"{_extent(left, right)};background:{colour}")]
    for name, path in scene.paths.items():
        for segment in path.get(span.span_id, ()):
            begin, end = scene.share(segment.start_ns), scene.share(segment.end_ns)
            klass = f"path {name} waiting" if segment.waiting else f"path {name}"
            parts.append(tag("i", klass=klass, style=_extent(begin, end)))
    parts += [_mark(scene, event.time_unix_nano, "event", bad=_is_error(event)) for event in span.events]
    parts += [_mark(scene, line.time_ns, "log", bad=line.level in _BAD) for line in scene.logs.get(span.span_id, ())]
    return tag("span", *parts, klass="lane")


def _extent(left: float, right: float) -> str:
    """From where to where in per cent of the whole; the style sheet makes it a place on the axis that is shown."""
    return f"--l:{left:.4f};--w:{max(right - left, 0):.4f}"


def _mark(scene: Scene, time_ns: int, kind: str, *, bad: bool) -> Element:
    return tag("i", klass=f"mark {kind} bad" if bad else f"mark {kind}", style=f"--l:{scene.share(time_ns):.4f}")


def _notes(scene: Scene, node: Node) -> Iterator[Element]:
    """Events, links and log lines of a span in order of time, each on a line of its own."""
    span = node.span
    notes: list[tuple[int, Element]] = []
    if node.orphan:
        notes.append((0, _note(node, "warning", "⚠", f"its parent {span.parent_span_id} has not arrived", "")))
    if span.failed and span.status_message and not any(_is_error(event) for event in span.events):
        notes.append((0, _note(node, "event bad", "✖", span.status_message, "")))
    for link in span.links:
        there = scene.by_id.get(link.span_id)
        text = f"linked to {there.name} ({there.service})" if there else f"linked to trace {link.trace_id}"
        notes.append((0, _note(node, "event", "↪", text, "")))
    for event in span.events:
        bad = " bad" if _is_error(event) else ""
        offset = _offset(span, event.time_unix_nano)
        notes.append((event.time_unix_nano, _note(node, f"event{bad}", "◆", event_text(event), offset)))
    notes += [(line.time_ns, _log(node, line)) for line in scene.logs.get(span.span_id, ())]
    notes.sort(key=lambda note: note[0])
    yield from (element for _, element in notes[:MAX_NOTES])
    if len(notes) > MAX_NOTES:
        yield _note(node, "event", "…", f"{len(notes) - MAX_NOTES} more: click on the span", "")


def _log(node: Node, line: LogLine) -> Element:
    bad = " bad" if line.level in _BAD else " warning" if line.level.startswith("warn") else ""
    text = f"{line.text} {fields_text(line)}".rstrip()
    return _note(node, f"log{bad}", line.level, text, _offset(node.span, line.time_ns))


def _note(node: Node, klass: str, sign: str, text: str, offset: str) -> Element:
    body = tag("span", tag("b", sign), " ", text, klass="text", style=_indent(node), title=text)
    return tag("div", tag("span", klass="lane"), body, tag("span", offset, klass="took"), klass=f"note {klass}")


def _offset(span: Span, time_ns: int) -> str:
    return f"+{format_duration(max(time_ns - span.start_ns, 0))}"


def _is_error(event: Event) -> bool:
    return event.name == "exception"
