"""All that is known about one span, shown on a click."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from observability.traces.axis import format_duration
from observability.traces.loglines import LogLine
from observability.traces.model import Event, Link
from observability.traces.page.markup import tag
from observability.traces.page.scene import Scene
from observability.traces.tree import Node


def details(scene: Scene, node: Node) -> Element:
    """Facts, attributes, resource, events, links and log lines of a span."""
    span = node.span
    sections = [
        _table("span", dict(_facts(scene, node))),
        _table("attributes", span.attributes),
        _table("resource", span.resource),
    ]
    for event in span.events:
        offset = format_duration(max(event.time_unix_nano - span.start_ns, 0))
        sections.append(_table(f"event +{offset}: {event.name}", event.attributes))
    sections += [_table("link", _link(scene, link) | link.attributes) for link in span.links]
    for line in scene.logs.get(span.span_id, ()):
        offset = format_duration(max(line.time_ns - span.start_ns, 0))
        sections.append(_table(f"log +{offset}: {line.text}", {"level": line.level, "by": line.source, **line.fields}))
    return tag("div", *(section for section in sections if section is not None), klass="details")


def _facts(scene: Scene, node: Node) -> Iterator[tuple[str, Any]]:
    span = node.span
    yield "id", span.span_id
    if span.parent_span_id:
        parent = scene.by_id.get(span.parent_span_id)
        yield "parent", _anchor(parent.span_id, parent.name) if parent else f"{span.parent_span_id} (not arrived)"
    yield "service", span.service
    yield "kind", span.kind
    yield "status", f"{span.status}: {span.status_message}" if span.status_message else span.status
    yield "begins after", format_duration(max(span.start_ns - scene.axis.start_ns, 0))
    yield "takes", format_duration(span.duration_ns)
    for name, path in scene.paths.items():
        if segments := path.get(span.span_id):
            works = sum(each.duration_ns for each in segments if not each.waiting)
            waits = sum(each.duration_ns for each in segments if each.waiting)
            waited = f", {format_duration(waits)} of waiting before it" if waits else ""
            yield f"critical path to the {name}", f"{format_duration(works)}{waited}"


def _link(scene: Scene, link: Link) -> dict[str, Any]:
    there = scene.by_id.get(link.span_id)
    return {"trace": link.trace_id, "span": _anchor(there.span_id, there.name) if there else link.span_id}


def _anchor(span_id: str, text: str) -> Element:
    return tag("a", text, href=f"#s-{span_id}")


def _table(title: str, values: Mapping[str, Any]) -> Element | None:
    if not values:
        return None
    lines = [tag("tr", tag("th", key), tag("td", _value(value))) for key, value in values.items()]
    return tag("table", tag("caption", title), *lines)


def _value(value: object) -> Element | str:
    if isinstance(value, Element | str):
        return value
    return json.dumps(value, ensure_ascii=False)


def event_text(event: Event) -> str:
    """An event on one line."""
    if event.name == "exception":
        kind, message = event.attributes.get("exception.type", ""), event.attributes.get("exception.message", "")
        return f"{kind}: {message}".strip(": ")
    return " ".join([event.name, *(f"{key}={_value(value)}" for key, value in event.attributes.items())])


def fields_text(line: LogLine) -> str:
    """What a log line says beyond its text, on one line."""
    return " ".join(f"{key}={_value(value)}" for key, value in line.fields.items())
