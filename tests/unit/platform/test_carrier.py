from opentelemetry.instrumentation.utils import is_instrumentation_enabled, suppress_instrumentation
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Tracer, get_current_span

from stormglass.telemetry.carrier import context_of, current, exemplar, link, trace_id

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_span_survives_the_way_through_a_row(tracer: Tracer) -> None:
    with tracer.start_as_current_span("request") as span:
        text = current()
        here = span.get_span_context()
    there = get_current_span(context_of(text)).get_span_context()
    assert (there.trace_id, there.span_id, there.is_remote) == (here.trace_id, here.span_id, True)
    assert text == f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}"
    assert here.trace_flags.sampled


def test_without_a_span_there_is_nothing_to_carry() -> None:
    assert current() == ""
    assert trace_id() == ""
    assert exemplar() is None
    for text in ("", "rubbish", "00-" + "0" * 32 + "-b7ad6b7169203331-01"):
        assert link(text) is None
        assert not get_current_span(context_of(text)).get_span_context().is_valid


def test_a_link_names_the_span() -> None:
    made = link(PARENT)
    assert made is not None
    assert format(made.context.span_id, "016x") == "b7ad6b7169203331"


def test_the_context_of_a_job_is_fresh(tracer: Tracer) -> None:
    with suppress_instrumentation():
        assert not is_instrumentation_enabled()
        with tracer.start_as_current_span("job", context=context_of(PARENT)) as span:
            assert span.is_recording()
        assert "suppress" not in str(list(context_of(PARENT)))


def test_the_exemplar_is_the_current_trace_if_it_is_kept(tracer: Tracer) -> None:
    with tracer.start_as_current_span("request"):
        assert exemplar() == {"trace_id": trace_id()}
        assert len(trace_id()) == 32
    with TracerProvider(sampler=ALWAYS_OFF).get_tracer("t").start_as_current_span("unsampled"):
        assert exemplar() is None
        assert len(trace_id()) == 32
