"""The whole of the published document."""

from collections.abc import Sequence
from typing import Any

from services.gateway.openapi.answers import header_components, response_components
from services.gateway.openapi.operation import Documents, Undocumented, operation
from services.gateway.openapi.schemas import Schemas
from services.gateway.openapi.security import SCHEMES
from services.gateway.route import Route
from stormglass import __version__
from stormglass.service.answers import ProblemDocument
from stormglass.telemetry.logs import logger

_ABOUT = """A small shop, built to be watched while it breaks.

Every address that answers to GET answers to HEAD, and all to OPTIONS. Errors are problem details (RFC 9457). Requests
that are limited say so in `RateLimit` and `RateLimit-Policy`; answers out of a fallback in `X-Stormglass-Degraded`."""

_log = logger(__name__)


def document(routes: Sequence[Route], documents: Documents) -> dict[str, Any]:
    """What the routes offer (OpenAPI 3.1), as their services describe it; without what a service does not know."""
    schemas = Schemas(documents)
    paths: dict[str, Any] = {}
    for route in routes:
        for method in route.methods:
            try:
                described = operation(route, method, documents, schemas)
            except Undocumented as error:
                _log.warning("a route leads to nothing", reason=str(error))
                continue
            paths.setdefault(route.path, {})[method.lower()] = described
    problem = schemas.add(ProblemDocument)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Stormglass", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.collected.items())),
            "headers": header_components(),
            "responses": response_components(problem),
            "securitySchemes": SCHEMES,
        },
    }
