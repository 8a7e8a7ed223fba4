"""The decision at a trace's root, and the second one about each process' part of a trace that was not chosen."""

import random
import threading
import tracemalloc
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import Span, SpanContext, StatusCode, TraceFlags, Tracer

from stormglass.telemetry.carrier import exemplar
from stormglass.telemetry.sampling import sampler
from stormglass.telemetry.sampling_parts import KEPT_REASON, UnsampledParts

OUT = "telemetry_spans_sampled_out_total"
KEPT = "telemetry_spans_kept_total"
LOST = "telemetry_spans_dropped_total"
ENDED = "telemetry_spans_ended_total"
MILLISECOND = 1_000_000


class Process:
    """A tracer with the second decision behind it; what it delivers is in `kept`."""

    def __init__(self, ratio: float = 0.0, *, slow_ms: int = 500, limit: int = 100) -> None:
        self.kept: list[ReadableSpan] = []
        self.parts = UnsampledParts(self.kept.append, slow_ms=slow_ms, limit=limit)
        self.provider = TracerProvider(sampler=sampler(ratio), shutdown_on_exit=False)
        self.provider.add_span_processor(self.parts)
        self.tracer: Tracer = self.provider.get_tracer("test")

    def names(self) -> list[str]:
        return [span.name for span in self.kept]

    def remembered(self) -> int:
        return len(self.parts._open) + len(self.parts._waiting)


def below(parent: Span) -> Context:
    return trace.set_span_in_context(parent, Context())


def fail(span: Span) -> None:
    span.set_status(StatusCode.ERROR)


def test_a_share_of_new_traces_is_chosen_and_the_rest_is_recorded_with_all_its_attributes() -> None:
    tracer = Process(0.1).tracer
    begun = [tracer.start_span("x", Context(), attributes={"a": 1}) for _ in range(5000)]
    chosen = sum(span.get_span_context().trace_flags.sampled for span in begun)
    assert abs(chosen - 500) < 4 * (5000 * 0.1 * 0.9) ** 0.5
    assert all(span.is_recording() and dict(span.attributes) == {"a": 1} for span in begun)  # type: ignore[attr-defined]  # the SDK's span


def test_every_process_decides_alike_as_traefik_does() -> None:
    ours = [Process(0.3).tracer for _ in range(2)]
    for _ in range(200):
        trace_id = random.getrandbits(128)
        # a root with an id that is known: the SDK makes its own
        decisions = [
            t.sampler.should_sample(None, trace_id, "x").decision.is_sampled()  # type: ignore[attr-defined]  # the SDK's tracer
            for t in ours
        ]
        # go.opentelemetry.io/otel/sdk/trace: the low 8 bytes, shifted right by one, below 2**63 times the ratio
        traefik = ((trace_id & (2**64 - 1)) >> 1) < int(0.3 * 2**63)
        assert decisions == [traefik, traefik]


@pytest.mark.parametrize("sampled", [True, False])
def test_whoever_stands_below_follows_whatever_its_own_ratio(sampled: bool) -> None:
    for ratio in (0.0, 1.0):
        tracer = Process(ratio).tracer
        flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        remote = trace.NonRecordingSpan(SpanContext(5, 6, is_remote=True, trace_flags=flags))
        with tracer.start_as_current_span("server", below(remote)) as server:
            sent: dict[str, str] = {}
            inject(sent, below(server))
            local = tracer.start_span("query", below(server))
        assert sent["traceparent"].endswith("-01" if sampled else "-00")
        for span in (server, local, trace.get_current_span(extract(sent, context=Context()))):
            assert bool(span.get_span_context().trace_flags.sampled) is sampled
            assert span.get_span_context().trace_id == 5


def test_a_trace_that_was_chosen_is_none_of_the_second_decisions_business(growth: Any) -> None:
    ended = growth(ENDED)
    process = Process(1.0)
    with process.tracer.start_as_current_span("root", Context()) as root:
        fail(root)
        assert process.remembered() == 0
    assert process.kept == []
    assert ended() == 0


def test_only_a_trace_that_was_chosen_becomes_an_exemplar() -> None:
    for ratio, wanted in ((1.0, True), (0.0, False)):
        with Process(ratio).tracer.start_as_current_span("x", Context()):
            assert bool(exemplar()) is wanted


def test_a_part_without_error_that_was_quick_is_left_out_and_counted(growth: Any) -> None:
    out, ended = growth(OUT), growth(ENDED)
    process = Process()
    with process.tracer.start_as_current_span("root", Context()), process.tracer.start_as_current_span("child"):
        pass
    assert process.kept == []
    assert out() == ended() == 2
    assert process.remembered() == 0


def test_one_error_anywhere_keeps_the_whole_part_with_everything_it_had(growth: Any) -> None:
    kept, out = growth(KEPT, reason="error"), growth(OUT)
    process = Process()
    tracer = process.tracer
    with tracer.start_as_current_span("root", Context(), attributes={"a": "b"}):
        with tracer.start_as_current_span("fails") as failing:
            failing.add_event("why", {"x": 1})
            fail(failing)
        tracer.start_span("works").end()
        assert process.kept == [], "it is decided when the root ends"
    assert process.names() == ["fails", "works", "root"]
    assert [span.attributes[KEPT_REASON] for span in process.kept] == ["error"] * 3  # type: ignore[index]  # never None here
    fails, works, root = process.kept
    assert root.attributes["a"] == "b"  # type: ignore[index]  # as above
    assert fails.events[0].name == "why"
    assert fails.parent == works.parent == root.context
    assert (kept(), out()) == (3, 0)


@pytest.mark.parametrize(("took_ms", "reason"), [(499, None), (501, "slow")])
def test_a_part_is_slow_by_its_local_root(took_ms: int, reason: str | None) -> None:
    process = Process(slow_ms=500)
    root = process.tracer.start_span("root", Context(), start_time=MILLISECOND)
    child = process.tracer.start_span("child", below(root), start_time=MILLISECOND)
    child.end(9_000 * MILLISECOND)
    root.end((1 + took_ms) * MILLISECOND)
    assert [span.attributes[KEPT_REASON] for span in process.kept] == ([reason] * 2 if reason else [])  # type: ignore[index]  # never None here


def test_two_parts_of_one_trace_in_one_process_are_decided_each_by_itself() -> None:
    process = Process()
    remote = trace.NonRecordingSpan(SpanContext(5, 6, is_remote=True))
    first, second = (process.tracer.start_span(name, below(remote)) for name in ("first", "second"))
    process.tracer.start_span("below first", below(first)).end()
    fail(second)
    second.end()
    first.end()
    assert process.names() == ["second"]


def test_what_outlives_its_root_goes_the_way_of_its_part(growth: Any) -> None:
    out = growth(OUT)
    for failing, delivered in ((True, ["root", "late"]), (False, [])):
        process = Process()
        root = process.tracer.start_span("root", Context())
        late = process.tracer.start_span("late", below(root))
        if failing:
            fail(root)
        root.end()
        late.end()
        assert process.names() == delivered
        assert process.remembered() == 0
    assert out() == 2


def test_nobody_waited_for_what_outlives_its_root_however_long_it_takes() -> None:
    process = Process(slow_ms=500)
    root = process.tracer.start_span("root", Context(), start_time=MILLISECOND)
    late = process.tracer.start_span("late", below(root), start_time=MILLISECOND)
    root.end(2 * MILLISECOND)
    late.end(9_000 * MILLISECOND)
    assert process.kept == []


def test_an_error_after_the_root_is_kept_by_itself() -> None:
    process = Process()
    root = process.tracer.start_span("root", Context())
    late = process.tracer.start_span("late", below(root))
    root.end()
    after = process.tracer.start_span("begun after the root", below(root))
    for span in (late, after):
        fail(span)
        span.end()
    assert process.names() == ["late", "begun after the root"]


def test_spans_that_never_end_hold_a_bounded_number_of_places(growth: Any) -> None:
    out, lost, ended = growth(OUT), growth(LOST, reason="undecided"), growth(ENDED)
    process = Process(limit=50)
    never = [process.tracer.start_span("never", Context()) for _ in range(500)]
    for root in never:
        process.tracer.start_span("child", below(root)).end()
    assert process.remembered() <= 100
    with process.tracer.start_as_current_span("root", Context()) as healthy:
        fail(healthy)
    assert process.names() == ["root"], "the others do not keep it from being decided"
    assert ended() == 501
    process.parts.shutdown()
    assert process.remembered() == 0
    assert out() + lost() <= 500


def test_a_part_too_large_for_the_buffer_loses_what_is_oldest_and_says_so(growth: Any) -> None:
    lost, kept, ended = growth(LOST, reason="undecided"), growth(KEPT, reason="error"), growth(ENDED)
    process = Process(limit=10)
    with process.tracer.start_as_current_span("root", Context()) as root:
        for _ in range(25):
            process.tracer.start_span("child").end()
        fail(root)
    assert (lost(), kept(), ended()) == (22, 4, 26)


def test_what_is_undecided_at_the_end_is_counted_as_dropped(growth: Any) -> None:
    late, out = growth(LOST, reason="shutdown"), growth(OUT)
    process = Process()
    root = process.tracer.start_span("root", Context())
    process.tracer.start_span("child", below(root)).end()
    process.provider.shutdown()
    assert (late(), out()) == (1, 0)


def test_threads_do_not_lose_count(growth: Any, hasty_threads: None) -> None:
    kept, out, ended = growth(KEPT, reason="error"), growth(OUT), growth(ENDED)
    lost = growth(LOST, reason="undecided")
    # a busy machine may make a root slow, which would be another reason to keep it
    process = Process(
        slow_ms=3_600_000, limit=4
    )  # too small for what is open at a time: threads also evict each other's spans

    def work() -> None:
        for number in range(300):
            with process.tracer.start_as_current_span("root", Context()) as root:
                process.tracer.start_span("child").end()
                if number % 10 == 0:
                    fail(root)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert ended() == 4800
    assert kept() + out() + lost() == 4800
    assert kept() == len(process.kept)
    assert process.remembered() == process.parts._count == 0


def test_memory_does_not_grow_with_spans_that_never_end() -> None:
    process = Process(limit=1000)
    tracemalloc.start()
    try:
        _never_ending(process, 2000)
        full = tracemalloc.get_traced_memory()[0]
        _never_ending(process, 6_000)
        assert tracemalloc.get_traced_memory()[0] - full < 2**20
    finally:
        tracemalloc.stop()


def _never_ending(process: Process, count: int) -> None:
    for _ in range(count):
        root = process.tracer.start_span("never", Context())
        process.tracer.start_span("child", below(root)).end()
