"""All metrics, layer by layer, in the order that documentation shows them in."""

from types import ModuleType

from stormglass.telemetry.names import (
    cache,
    database,
    faultproxy,
    faults,
    gateway,
    http,
    log_pipeline,
    mail,
    manager,
    orders,
    outbox,
    pipeline,
    queue,
    resilience,
    runtime,
    trace_generator,
    trace_store,
    users,
)
from stormglass.telemetry.names.metric import Metric

LAYERS: tuple[ModuleType, ...] = (
    http,
    gateway,
    cache,
    database,
    outbox,
    queue,
    mail,
    orders,
    users,
    resilience,
    runtime,
    pipeline,
    log_pipeline,
    trace_store,
    trace_generator,
    faults,
    faultproxy,
    manager,
)


def metrics_of(layer: ModuleType) -> tuple[Metric, ...]:
    """What a layer declares, as it stands there."""
    return tuple(value for value in vars(layer).values() if isinstance(value, Metric))


ALL: tuple[Metric, ...] = tuple(metric for layer in LAYERS for metric in metrics_of(layer))


def served_by(service: str) -> tuple[Metric, ...]:
    """What a process of the topology serves."""
    return tuple(metric for metric in ALL if service in metric.served_by)


def make_all(service: str) -> None:
    """Have everything served that is declared to be, from the start: what never happened is a 0, not a gap."""
    for metric in served_by(service):
        metric.make()
