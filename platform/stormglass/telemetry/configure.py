"""One call that gives a process its traces, metrics and logs."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from opentelemetry import propagate, trace
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from stormglass import __version__, settings
from stormglass.telemetry import names
from stormglass.telemetry.export import span_processor
from stormglass.telemetry.logs import configure_logs
from stormglass.telemetry.sampling import sampler
from stormglass.telemetry.sampling_parts import UnsampledParts

if TYPE_CHECKING:
    from stormglass.telemetry.log_export import LogExport

_provider: TracerProvider | None = None
_lines: "LogExport | None" = None


def configure(*, traced: bool = True) -> None:
    """Configure telemetry for this process from its settings.

    `traced=False` is for the trace store, which must not report its own work to itself. Only W3C trace context is
    propagated: baggage would carry whatever a client sends through every layer.
    """
    global _lines, _provider  # noqa: PLW0603 - one of each a process, closed by shutdown()
    own = settings.process()
    configure_logs(own, _lines)
    propagate.set_global_textmap(TraceContextTextMapPropagator())
    if not traced or _provider is not None:
        return
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
    resource = Resource.create(
        {
            "service.name": own.service,
            "service.version": __version__,
            "service.namespace": "stormglass",
            "service.instance.id": own.name,
            "deployment.environment.name": own.instance,
        }
    )
    wanted = settings.telemetry()
    if wanted.logs == "otlp":
        # 40 ms of a start, which whoever does not export them need not wait for
        from stormglass.telemetry.log_export import log_export

        _lines = log_export(settings.address("traces"), wanted, resource)
        configure_logs(own, _lines)
    names.SAMPLE_RATIO.gauge().set(wanted.sample_ratio)
    _provider = TracerProvider(resource=resource, sampler=sampler(wanted.sample_ratio), shutdown_on_exit=False)
    export = span_processor(settings.address("traces"), wanted)
    # in this order they are shut down as well
    _provider.add_span_processor(UnsampledParts(export.deliver, slow_ms=wanted.slow_ms, limit=wanted.undecided_spans))
    _provider.add_span_processor(export)
    trace.set_tracer_provider(_provider)
    RedisInstrumentor().instrument(tracer_provider=_provider)


def shutdown() -> None:
    """Deliver the spans and the log lines that still wait, within one export time-out, and stop."""
    global _lines, _provider  # noqa: PLW0603 - see configure()
    ends = [each.shutdown for each in (_provider, _lines) if each is not None]
    _provider = _lines = None
    # side by side: either may take a whole time-out
    with ThreadPoolExecutor(2, "telemetry-end") as threads:
        for end in [threads.submit(end) for end in ends]:
            end.result()
