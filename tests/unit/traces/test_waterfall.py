"""The drawing: order, positions, marks; and that no trace, however broken, breaks it."""

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from observability.traces.axis import Axis, Glyphs, format_duration
from observability.traces.model import Event, Link, Span, Trace
from observability.traces.tree import ordered
from observability.traces.waterfall import PALETTE, Waterfall, service_colours


def draw(trace: Trace, width: int = 120, encoding: str = "utf-8") -> list[str]:
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, encoding, errors="replace"), width=width, color_system=None)
    console.print(Waterfall(trace))
    console.file.flush()
    return [line.rstrip() for line in raw.getvalue().decode(encoding).splitlines()]


def row(lines: list[str], text: str) -> str:
    return next(line for line in lines if text in line)


def test_every_span_stands_below_its_parent(order_trace: Trace) -> None:
    nodes = ordered(order_trace)
    assert len(nodes) == len(order_trace.spans)
    seen: dict[str, int] = {}
    for node in nodes:
        if node.span.parent_span_id:
            assert node.depth == seen[node.span.parent_span_id] + 1
        seen[node.span.span_id] = node.depth


@pytest.mark.parametrize("width", [80, 100, 120, 140, 200])
def test_no_line_is_wider_than_the_terminal(order_trace: Trace, width: int) -> None:
    lines = draw(order_trace, width)
    assert max(map(len, lines)) <= width
    assert sum("gateway" in line for line in lines) == 5


def test_bars_stand_where_their_times_are(order_trace: Trace) -> None:
    lines = draw(order_trace, 140)
    root, worker, retry = (row(lines, name) for name in ("POST 201  ", "run order_confirmed", "└ send mail"))
    left = lines[3].index("0")
    assert root.index("━") == left
    # the worker began after the request had been answered, and nothing ends after the worker
    assert worker.index("╺" if "╺" in worker else "━") > root.rindex("━")
    assert worker.rindex("━") > retry.rindex("━")
    assert root.endswith("92.4 ms")
    assert "answered after 92.4 ms" in lines[1]


def test_errors_events_and_links_are_written_out(order_trace: Trace) -> None:
    lines = draw(order_trace, 120)
    assert "1 error" in lines[1]
    assert "✖ send mail" in row(lines, "✖")
    assert "◆ SMTPConnectError: connection refused" in row(lines, "SMTPConnectError")
    assert row(lines, "SMTPConnectError").endswith("+32.0 ms")
    assert "↪ linked to enqueue order_confirmed (worker)" in row(lines, "↪")
    assert row(lines, "stock from cache").count("◆") == 1


def test_a_terminal_without_unicode_gets_ascii(order_trace: Trace) -> None:
    lines = draw(order_trace, 120, "ascii")
    assert "`-POST /orders 201" in row(lines, "POST /orders")
    assert "===" in row(lines, "POST /orders")


def test_a_missing_parent_is_shown(order_trace: Trace) -> None:
    without = Trace(order_trace.trace_id, tuple(s for s in order_trace.spans if s.name != "INSERT outbox"))
    lines = draw(without, 140)
    assert "1 parent missing" in lines[1]
    assert "its parent 000000000000000e has not arrived" in row(lines, "⚠")
    assert without.root.service == "edge"


def test_many_notes_are_counted_not_drawn(make_span: Callable[..., Span]) -> None:
    events = tuple(Event(f"event {n}", 0, {}) for n in range(40))
    lines = draw(Trace("1" * 32, (make_span(1, 0, "a", "busy", 0, 1, events=events),)))
    assert any("34 more events or links" in line for line in lines)


spans = st.lists(
    st.tuples(st.integers(1, 12), st.integers(0, 12), st.integers(-500, 500), st.integers(-500, 500)),
    min_size=1,
    max_size=12,
    unique_by=lambda numbers: numbers[0],
)


# no deadline per example: the machine is busy with other tests
@settings(deadline=None)
@given(spans)
def test_circles_orphans_and_skewed_clocks_are_drawn_whole(numbers: list[tuple[int, int, int, int]]) -> None:
    base = 10**18
    trace = Trace(
        "1" * 32,
        tuple(
            Span(
                f"{own:016x}", f"{parent:016x}" if parent else "", f"span {own}", f"s{own % 3}", "internal",
                base + start * 1_000, base + end * 1_000, links=(Link("1" * 32, f"{parent:016x}", {}),),
            )
            for own, parent, start, end in numbers
        ),
    )  # fmt: skip
    assert sorted(node.span.span_id for node in ordered(trace)) == sorted(span.span_id for span in trace.spans)
    lines = draw(trace, 100)
    assert max(map(len, lines)) <= 100
    for own, *_ in numbers:
        bar = next(line for line in lines[4:] if f" span {own} " in line and "linked" not in line)
        assert any(glyph in bar for glyph in "━╸╺")


def test_a_deep_trace_does_not_overflow_the_stack(make_span: Callable[..., Span]) -> None:
    trace = Trace("1" * 32, tuple(make_span(n, n - 1, "a", f"level {n}", n, 9_000) for n in range(1, 3_000)))
    lines = draw(trace)
    assert "level 2999" in lines[-1]


def test_a_trace_of_no_duration_is_drawn(make_span: Callable[..., Span]) -> None:
    assert "instant" in row(draw(Trace("1" * 32, (make_span(1, 0, "a", "instant", 0, 0),))), "a  ")


def test_colours_are_stable_and_distinct() -> None:
    services = ["edge", "gateway", "internal", "users", "products", "orders", "worker", "mail"]
    colours = service_colours(services)
    assert len(set(colours.values())) == len(services)
    assert colours == service_colours(reversed(services))
    assert len(service_colours(map(str, range(30)))) == 30
    assert "red" not in PALETTE


def test_axis_cells_and_ticks() -> None:
    axis = Axis(0, 1_000_000, 50, Glyphs())
    assert [axis.cell(t) for t in (-5, 0, 500_000, 1_000_000, 2_000_000)] == [0, 0, 25, 49, 49]
    assert axis.ticks[:2] == [0, 500_000]
    assert axis.row((0, 10_000), "", []).plain.startswith("╸")
    assert axis.row((250_000, 750_000), "", []).plain.count("━") == 24


@pytest.mark.parametrize(
    ("ns", "text"),
    [(0, "0.00 µs"), (850_000, "850 µs"), (999_900, "1.00 ms"), (12_340_000, "12.3 ms"), (1_234_000_000, "1.23 s")],
)
def test_durations_have_three_digits(ns: int, text: str) -> None:
    assert format_duration(ns) == text


def test_json_form(order_trace: Trace) -> None:
    document = order_trace.as_json()
    assert document["trace_id"] == order_trace.trace_id
    failed = next(span for span in document["spans"] if span["status"] == "error")
    assert failed["duration_ms"] == pytest.approx(32.5)
    assert failed["events"][0]["attributes"]["exception.type"] == "SMTPConnectError"
    backwards = replace(order_trace.spans[0], end_ns=0)
    assert backwards.duration_ns == 0
