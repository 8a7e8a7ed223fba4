"""The whole page: what it is about, what took the time, the waterfall, log lines that belong to no span."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from xml.etree.ElementTree import Element

from observability.traces.axis import Axis, format_duration
from observability.traces.loglines import LogLine
from observability.traces.model import Trace
from observability.traces.page.details import fields_text
from observability.traces.page.markup import html, tag
from observability.traces.page.rows import rows
from observability.traces.page.scene import Scene, scene, share

CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""The page may load nothing and run nothing, whatever a span's text contains."""

MOST_SHOWN = 6
"""Spans in the list of what took the time."""


def page(trace: Trace, lines: Sequence[LogLine] = (), *, notice: str = "") -> str:
    """The page as text; `notice` is said in its head, for example that log lines could not be read."""
    seen = scene(trace, lines)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=CSP),
        tag("meta", name="viewport", content="width=device-width"),
        tag("title", f"{title(trace)} · {trace.trace_id[:8]}"),
        tag("style", (files(__package__) / "style.css").read_text(encoding="utf-8")),
    )
    body = tag("body", *_switches(seen), _header(seen, len(lines), notice), _legend(seen), *_longest(seen))
    body.append(_waterfall(seen))
    body.extend(_stray(seen))
    return html(tag("html", head, body, lang="en"))


def title(trace: Trace) -> str:
    """What the trace is about: its first request by route (a load balancer knows only the method), or its root."""
    routed = (span for span in trace.spans if span.kind == "server" and span.attributes.get("http.route"))
    found = next(routed, None)
    return found.name if found else trace.root.name


def _switches(seen: Scene) -> Iterator[Element]:
    """Inputs that the style sheet looks at: they stand in front of everything they change."""
    answer = "to the answer" if "end" in seen.paths else "shown"
    choices = [("answer", f"critical path {answer}"), *([("end", "to the end")] if "end" in seen.paths else [])]
    for value, text in (*choices, ("none", "off")):
        checked = {"checked": "checked"} if value == "answer" else {}
        yield tag("input", type="radio", name="path", id=f"path-{value}", **checked)
        yield tag("label", text, for_=f"path-{value}")
    for value, text in (("event", "events"), ("log", "log lines")):
        yield tag("input", type="checkbox", id=f"show-{value}", checked="checked")
        yield tag("label", text, for_=f"show-{value}")
    if seen.near:
        yield tag("input", type="checkbox", id="near")
        yield tag("label", "only until the answer", for_="near")


def _header(seen: Scene, lines: int, notice: str) -> Element:
    trace, axis = seen.trace, seen.axis
    begun = datetime.fromtimestamp(axis.start_ns / 1e9, UTC)
    facts = [
        f"{begun:%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC",
        _count(len(trace.spans), "span"),
        _count(len(seen.colours), "process", "processes"),
        _count(lines, "log line"),
        f"{format_duration(axis.end_ns - axis.start_ns)} in all",
    ]
    parts: list[Element | str] = [tag("h1", title(trace)), tag("code", trace.trace_id)]
    parts.append(tag("p", " · ".join(facts)))
    if seen.answered_ns is not None:
        answered = format_duration(max(seen.answered_ns - axis.start_ns, 0))
        parts.append(tag("p", f"answered after {answered}", klass="answered"))
    if failed := sum(span.failed for span in trace.spans):
        parts.append(tag("p", _count(failed, "error"), klass="bad"))
    if missing := len(trace.missing_parents):
        parts.append(tag("p", f"{_count(missing, 'parent')} missing", klass="warning"))
    if notice:
        parts.append(tag("p", notice, klass="warning"))
    return tag("header", *parts)


def _legend(seen: Scene) -> Element:
    spans = Counter(seen.places.values())
    chips = (
        tag("li", tag("i", klass="dot", style=f"background:{colour}"), f"{place} ", tag("em", str(spans[place])))
        for place, colour in seen.colours.items()
    )
    return tag("ul", *chips, klass="legend")


def _longest(seen: Scene) -> Iterator[Element]:
    """What took the time, for each path: the spans with most of it."""
    for name, path in seen.paths.items():
        total = sum(each.duration_ns for segments in path.values() for each in segments)
        shares: Counter[tuple[str, bool]] = Counter()
        for span_id, segments in path.items():
            for each in segments:
                shares[span_id, each.waiting] += each.duration_ns
        items = []
        for (span_id, waiting), duration in shares.most_common(MOST_SHOWN):
            span = seen.by_id[span_id]
            text = f"waiting for {span.name}" if waiting else span.name
            width = f"width:{duration / max(total, 1) * 100:.2f}%;background:{seen.colours[seen.places[span_id]]}"
            items.append(
                tag(
                    "li",
                    tag("span", seen.places[span_id], klass="place"),
                    tag("a", text, href=f"#s-{span_id}"),
                    tag("span", tag("i", style=width), klass="meter"),
                    tag("span", format_duration(duration), klass="took"),
                    tag("span", f"{duration / max(total, 1):.0%}", klass="took"),
                )
            )
        what = "until the answer" if name == "answer" else "until everything was done"
        yield tag("section", tag("h2", f"What took the time {what}"), tag("ol", *items), klass=f"longest {name}")


def _waterfall(seen: Scene) -> Element:
    axes = {"all": seen.axis, **({"near": seen.near} if seen.near else {})}
    ticks = (_ticks(name, axis) for name, axis in axes.items())
    head = tag("div", tag("span"), tag("span"), tag("span", *ticks), tag("span"), klass="axis")
    style = ";".join(f"--lines-{name}:{_lines(axis, seen.answered_ns)}" for name, axis in axes.items())
    if seen.near:
        style += f";--near:{100 / seen.share(seen.near.end_ns):.5f}"
    return tag("main", head, *rows(seen), style=style)


def _ticks(name: str, axis: Axis) -> Element:
    places = ((share(axis, axis.start_ns + tick), tick) for tick in axis.ticks)
    labels = (
        tag("span", format_duration(tick) if tick else "0", style=f"left:{at:.3f}%") for at, tick in places if at < 97
    )
    return tag("span", *labels, klass=f"ticks {name}")


def _lines(axis: Axis, answered_ns: int | None) -> str:
    """Hair lines for the background of a lane; where the answer was first: that one is drawn on top."""
    answered = [] if answered_ns is None else [("var(--answered)", share(axis, answered_ns))]
    lines = [*answered, *(("var(--grid)", share(axis, axis.start_ns + tick)) for tick in axis.ticks)]
    return ",".join(f"linear-gradient({colour},{colour}) {at:.3f}% 0/1px 100% no-repeat" for colour, at in lines)


def _stray(seen: Scene) -> Iterator[Element]:
    if seen.stray:
        entries = (
            tag(
                "li",
                tag("span", line.source, klass="place"),
                tag("b", line.level),
                tag("span", f"{line.text} {fields_text(line)}"),
                klass=line.level,
            )
            for line in seen.stray
        )
        yield tag("section", tag("h2", "Log lines of no span shown here"), tag("ul", *entries), klass="stray")


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
