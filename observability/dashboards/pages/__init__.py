"""The pages, one module each, in the order in which somebody who is looking for a trouble would open them."""

from observability.dashboards.definition import Dashboard
from observability.dashboards.pages import (
    cache_and_database,
    faults,
    gateway,
    journey,
    overview,
    queue_and_worker,
    service,
    slo,
    telemetry,
)

PAGES: tuple[Dashboard, ...] = (
    overview.PAGE,
    journey.PAGE,
    service.PAGE,
    gateway.PAGE,
    cache_and_database.PAGE,
    queue_and_worker.PAGE,
    slo.PAGE,
    faults.PAGE,
    telemetry.PAGE,
)
