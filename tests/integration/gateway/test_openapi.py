"""The published document at a gateway whose services describe themselves, or do not."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from services.gateway.routes import ROUTES
from services.orders.app import create_app as orders
from services.products.app import create_app as products
from services.users.app import create_app as users
from tests.integration.gateway.native import Gateway
from tests.integration.gateway.pages import Page, serving
from tests.integration.gateway.standin import StandIn

DOCUMENTS = {
    f"/{name}/schema/openapi.json": Page(json.loads(json.dumps(create_app().openapi_schema.to_schema())))
    for name, create_app in (("users", users), ("products", products), ("orders", orders))
}


@pytest.fixture
async def young(directory: Path, standin: StandIn, standin_port: int, redis_port: int) -> AsyncIterator[Gateway]:
    """A gateway that nobody has asked for the document yet."""
    gateway = Gateway(directory, internal=standin_port, redis=redis_port, traces=standin_port, rate=1_000_000)
    async with gateway.run():
        await gateway.ready()
        yield gateway


async def test_it_is_there_when_every_service_has_spoken_once(
    young: Gateway, http: aiohttp.ClientSession, standin: StandIn
) -> None:
    address = f"{young.base}/openapi.json"
    silent = Page({"type": "urn:x", "status": 503}, 503)
    with serving(standin, {**DOCUMENTS, "/orders/schema/openapi.json": silent}):
        async with http.get(address) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
            assert "orders" in (await answer.json(content_type=None))["detail"]
    with serving(standin, DOCUMENTS):
        async with http.get(address) as answer:
            assert answer.status == 200
            document = await answer.json()
        listed = {(path, method.upper()) for path, operations in document["paths"].items() for method in operations}
        assert listed == {(route.path, method) for route in ROUTES for method in route.methods}
        asked = sum(len(page.asked) for page in DOCUMENTS.values())
        async with http.get(address, headers={"If-None-Match": answer.headers["ETag"]}) as again:
            assert (again.status, await again.read()) == (304, b"")
            assert again.headers["Cache-Control"] == "public, max-age=60"
        async with http.head(address) as head:
            assert head.headers["Content-Length"] == answer.headers["Content-Length"]
        assert sum(len(page.asked) for page in DOCUMENTS.values()) == asked, "it is not made anew for everybody"
    # the services' own documents are not reachable any more
    async with http.get(f"{young.base}/products/schema/openapi.json") as answer:
        assert answer.status == 404
