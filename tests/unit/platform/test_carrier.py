from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Tracer

from stormglass.telemetry.carrier import current, exemplar, trace_id


def test_the_current_span_is_written_as_a_traceparent(tracer: Tracer) -> None:
    with tracer.start_as_current_span("request") as span:
        here = span.get_span_context()
        assert current() == f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}"
    assert here.trace_flags.sampled


def test_without_a_span_there_is_nothing_to_carry() -> None:
    assert current() == ""
    assert trace_id() == ""
    assert exemplar() is None


def test_the_exemplar_is_the_current_trace_if_it_is_kept(tracer: Tracer) -> None:
    with tracer.start_as_current_span("request"):
        assert exemplar() == {"trace_id": trace_id()}
        assert len(trace_id()) == 32
    with TracerProvider(sampler=ALWAYS_OFF).get_tracer("t").start_as_current_span("unsampled"):
        assert exemplar() is None
        assert len(trace_id()) == 32
