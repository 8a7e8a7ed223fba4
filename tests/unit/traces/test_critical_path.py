"""The critical path: what it follows, and that it fills the time without gap or overlap whatever the trace."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from observability.traces.critical_path import critical_path
from observability.traces.model import Span, Trace

MakeSpan = Callable[..., Span]


def path(trace: Trace, *, to_the_end: bool = False) -> list[tuple[int, float, float, bool]]:
    start = trace.root.start_ns
    return [
        (int(s.span_id, 16), (s.start_ns - start) / 1e6, (s.end_ns - start) / 1e6, s.waiting)
        for s in critical_path(trace, to_the_end=to_the_end)
    ]


def test_of_two_at_once_the_one_that_ended_last_counts(make_span: MakeSpan) -> None:
    spans = (
        make_span(1, 0, "a", "root", 0, 100),
        make_span(2, 1, "a", "fast", 10, 50),
        make_span(3, 1, "a", "slow", 20, 90),
        make_span(4, 1, "a", "before", 2, 8),
    )
    assert path(Trace("t", spans)) == [
        (1, 0, 2, False), (4, 2, 8, False), (1, 8, 20, False), (3, 20, 90, False), (1, 90, 100, False)
    ]  # fmt: skip


def test_what_goes_on_after_the_answer_counts_only_towards_the_end(make_span: MakeSpan) -> None:
    spans = (
        make_span(1, 0, "a", "root", 0, 50),
        make_span(2, 1, "a", "insert", 10, 20),
        make_span(3, 2, "b", "job", 80, 100),
    )
    trace = Trace("t", spans)
    assert path(trace) == [(1, 0, 10, False), (2, 10, 20, False), (1, 20, 50, False)]
    assert path(trace, to_the_end=True) == [
        (1, 0, 10, False), (2, 10, 20, False), (3, 20, 80, True), (3, 80, 100, False)
    ]  # fmt: skip


def test_nobody_waits_for_messages_that_others_send_or_take(make_span: MakeSpan) -> None:
    spans = (
        make_span(1, 0, "orders", "root", 0, 50),
        make_span(2, 1, "orders", "own publish", 5, 10, kind="producer"),
        make_span(3, 1, "worker", "relay", 20, 30, kind="producer"),
        make_span(4, 1, "worker", "job", 32, 45, kind="consumer"),
    )
    assert path(Trace("t", spans)) == [(1, 0, 5, False), (2, 5, 10, False), (1, 10, 50, False)]
    assert [number for number, *_ in path(Trace("t", spans), to_the_end=True)] == [1, 2, 1, 3, 1, 4, 1]


def test_a_child_that_outlives_its_parent_is_cut_where_the_answer_was(make_span: MakeSpan) -> None:
    trace = Trace("t", (make_span(1, 0, "a", "root", 0, 50), make_span(2, 1, "b", "late", 30, 90)))
    assert path(trace) == [(1, 0, 30, False), (2, 30, 50, False)]
    assert path(trace, to_the_end=True) == [(1, 0, 30, False), (2, 30, 90, False)]


def test_an_order_until_the_answer_and_until_the_mail(order_trace: Trace) -> None:
    answer = critical_path(order_trace)
    assert sum(segment.duration_ns for segment in answer) == order_trace.root.duration_ns
    assert max(answer, key=lambda segment: segment.duration_ns).span_id == f"{12:016x}"
    waits = [(number, end - begin) for number, begin, end, waits in path(order_trace, to_the_end=True) if waits]
    assert waits == [(15, 59), (16, 26)]


SPANS = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 100), st.integers(0, 100)), min_size=1, max_size=8
)  # parent, start, length: parents may be missing, later, or point in a circle


# no deadline per example: the machine is busy with other tests
@settings(deadline=None, max_examples=300)
@given(SPANS, st.booleans())
def test_it_fills_the_time_once(shape: list[tuple[int, int, int]], to_the_end: bool) -> None:
    spans = tuple(
        Span(f"{number:016x}", f"{parent:016x}" if parent else "", "x", "a", "internal", start, start + length)
        for number, (parent, start, length) in enumerate(shape, 1)
    )
    trace = Trace("t", spans)
    found = critical_path(trace, to_the_end=to_the_end)
    assert all(segment.duration_ns > 0 for segment in found)
    assert all(before.end_ns == after.start_ns for before, after in pairwise(found))
    if trace.root.duration_ns:
        assert found[0].start_ns == trace.root.start_ns
        assert found[-1].end_ns >= trace.root.end_ns
    if not to_the_end:
        assert sum(segment.duration_ns for segment in found) == trace.root.duration_ns
        assert not any(segment.waiting for segment in found)


def test_it_copes_with_a_trace_as_deep_as_it_is_long(make_span: MakeSpan) -> None:
    top = make_span(1, 0, "a", "x", 0, 3_000)
    spans = [replace(top, span_id=f"{n:016x}", parent_span_id=f"{n - 1:016x}", start_ns=top.start_ns + n)
             for n in range(2, 3_000)]  # fmt: skip
    assert len(critical_path(Trace("t", (top, *spans)))) == 2_999
