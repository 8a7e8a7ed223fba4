"""Every route that a process of the platform has, as the template that it is declared with."""

import json
import urllib.request

from services.gateway.routes import ROUTES
from stormglass.testing import Platform

DOCUMENTED = {
    "users": "users",
    "products": "products",
    "orders": "orders",
    "mail-api": "mail",
    "traces": "traces",
    "faults": "faults",
}
"""Endpoints of the topology whose process publishes an OpenAPI document, and what it calls itself there."""

UNDOCUMENTED = {"/", "/view/{identifier}", "/livez", "/readyz"}
"""Pages of the mail sink that its document leaves out."""


def templates(platform: Platform) -> set[str]:
    """Of the gateways' table, and of the documents that the other processes publish."""
    known = {path for route in ROUTES for path in (route.path, route.target)} | UNDOCUMENTED
    for label, name in DOCUMENTED.items():
        document = f"/{name}/schema/openapi.json"
        with urllib.request.urlopen(f"http://{platform.address(label)}{document}", timeout=30) as answer:
            known |= {document, *json.load(answer)["paths"]}
    return known
