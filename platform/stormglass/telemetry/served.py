"""What a process' `/metrics` holds from the start, before anything has happened."""

from prometheus_client import PROCESS_COLLECTOR, REGISTRY, disable_created_metrics

from stormglass.telemetry.gc_pauses import GcPauses
from stormglass.telemetry.names.registry import make_all
from stormglass.telemetry.process_figures import ProcessFigures


def serve_metrics(service: str) -> None:
    """Have everything served that a process of the topology is declared to serve; once a process."""
    # one more series for each counter and histogram, which nothing asks for
    disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types
    make_all(service)
    REGISTRY.register(GcPauses())
    if not list(PROCESS_COLLECTOR.collect()):
        REGISTRY.register(ProcessFigures())
