"""The platform's HTTP server telemetry: `stormglass.instrumentation.litestar` with the metrics of `names`."""

from litestar.types import ASGIApp
from opentelemetry import trace
from opentelemetry.trace import Tracer

from stormglass.instrumentation.litestar import HttpServerInstrumentation, Instruments
from stormglass.telemetry import names


class HttpServerTelemetry(HttpServerInstrumentation):
    """ASGI wrapper to be put around the whole application, so that answers to unrouted requests count too."""

    def __init__(self, app: ASGIApp, tracer: Tracer | None = None) -> None:
        duration, active = names.HTTP_SERVER_DURATION, names.HTTP_SERVER_ACTIVE
        super().__init__(
            app,
            tracer=tracer or trace.get_tracer("stormglass.http_server"),
            instruments=Instruments(duration.histogram(), active.gauge(), duration.labels, active.labels),
        )
