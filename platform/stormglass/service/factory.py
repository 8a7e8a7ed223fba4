"""`create_service()`: one Litestar application with everything a process of the platform has in common."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import ControllerRouterHandler

from stormglass import __version__, settings
from stormglass.service.body import StrictRequest
from stormglass.service.closed import ClosedStructs
from stormglass.service.problems import HANDLERS
from stormglass.service.sabotage import sabotage

Check = Callable[[State], Awaitable[None]]
"""Asks one dependency whether it can be used; raises, with the reason as its text, where it cannot."""

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]
"""Opens a resource, puts it into `app.state`, and closes it when the process ends."""


def create_service(
    *,
    name: str,
    route_handlers: Sequence[ControllerRouterHandler],
    lifespan: Sequence[Lifespan] = (),
    readiness: Mapping[str, Check] | None = None,
    degraded_without: Mapping[str, Check] | None = None,
    dependencies: Mapping[str, Provide] | None = None,
    description: str = "",
    trace: bool = True,
    openapi: bool = True,
    max_body_bytes: int | None = None,
    **options: Any,
) -> Litestar:
    """Make the application of a service.

    Args:
        name: The service's name in the topology.
        route_handlers: Its routes.
        lifespan: Resources, opened in order and closed in reverse.
        readiness: What `/readyz` on the admin port asks, by the name of the dependency.
        degraded_without: Dependencies that have a fallback: `/readyz` tells their reasons too, but stays 200. A
            balancer that took every replica out would take the fallback out with them.
        dependencies: Litestar dependencies for all routes.
        description: First paragraph of the OpenAPI document at `/<name>/schema/openapi.json`.
        trace: False for the trace store: it must not report its own work to itself.
        openapi: Whether the service publishes an OpenAPI document.
        max_body_bytes: Largest request body; the platform's default where None.
        options: Passed to `Litestar` as they are.
    """
    config = OpenAPIConfig(
        title=f"Stormglass {name}",
        version=__version__,
        description=description or None,
        path=f"/{name}/schema",
        render_plugins=[JsonRenderPlugin()],
    )
    app = Litestar(
        route_handlers=route_handlers,
        lifespan=list(lifespan),
        dependencies=dependencies,
        middleware=sabotage(),
        request_class=StrictRequest,
        exception_handlers=HANDLERS,
        openapi_config=config if openapi else None,
        plugins=[ClosedStructs()],
        request_max_body_size=max_body_bytes or settings.http().max_body_bytes,
        # structlog is configured for the whole process before the application is made
        logging_config=None,
        **options,
    )
    app.state.service_name = name
    app.state.readiness = dict(readiness or {})
    app.state.degraded_without = dict(degraded_without or {})
    app.state.traced = trace
    return app
