"""A service's answer in another form, with and without the cache, and a route's rules for header fields."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from tests.integration.gateway.native import Gateway
from tests.integration.gateway.pages import Page, serving
from tests.integration.gateway.standin import StandIn

SHARED = {"ETag": '"one"', "Cache-Control": "public, no-cache", "Stormglass-Cache-Control": "max-age=60"}


class Product(Page):
    """A product that the gateway's cache may keep."""

    def __init__(self) -> None:
        self.id = str(uuid.uuid4())
        value = {"id": self.id, "sku": "BARO", "name": "Barometer", "description": "x", "price_cents": 1999}
        super().__init__(value, headers=SHARED)


@pytest.fixture
def product(standin: StandIn) -> Iterator[Product]:
    page = Product()
    with serving(standin, {f"/products/{page.id}": page}):
        yield page


async def get(
    http: aiohttp.ClientSession, address: str, headers: dict[str, str] | None = None, method: str = "GET"
) -> tuple[aiohttp.ClientResponse, Any]:
    async with http.request(method, address, headers=headers or {}) as answer:
        body = await answer.read()
        return answer, json.loads(body) if body else None


async def test_the_second_version_is_made_of_the_first_that_the_cache_has(
    gateway: Gateway, http: aiohttp.ClientSession, product: Product
) -> None:
    first, plain = await get(http, f"{gateway.base}/products/{product.id}")
    second, shaped = await get(http, f"{gateway.base}/v2/products/{product.id}")
    assert plain == product.value
    assert shaped["price"] == {"amount": "19.99", "currency": "EUR"}
    assert "price_cents" not in shaped
    assert len(product.asked) == 1, "the two versions share an entry"
    assert "hit" in second.headers["Cache-Status"]
    assert second.headers["Content-Type"].startswith("application/json")
    assert (first.headers["ETag"], second.headers["ETag"]) == ('"one"', 'W/"one;product-v2"')


async def test_a_client_that_has_this_version_gets_a_304(
    gateway: Gateway, http: aiohttp.ClientSession, product: Product
) -> None:
    address = f"{gateway.base}/v2/products/{product.id}"
    for headers in ({}, {"Cache-Control": "no-store"}):  # through the cache, and past it
        answer, _ = await get(http, address, headers)
        tag = answer.headers["ETag"]
        answer, value = await get(http, address, {**headers, "If-None-Match": tag})
        assert (answer.status, value, answer.headers["ETag"]) == (304, None, tag)
        answer, value = await get(http, address, {**headers, "If-None-Match": '"one"'})
        assert (answer.status, value["sku"]) == (200, "BARO"), (
            "the tag of the other version says nothing about this one"
        )
    assert all("If-None-Match" not in asked or asked["If-None-Match"] == '"one"' for asked in product.asked)


async def test_past_the_cache_the_service_is_asked_for_something_that_can_be_mapped(
    gateway: Gateway, http: aiohttp.ClientSession, product: Product
) -> None:
    sent = {"Cache-Control": "no-store", "Accept-Encoding": "gzip", "Range": "bytes=0-1", "X-Custom": "kept"}
    answer, value = await get(http, f"{gateway.base}/v2/products/{product.id}", sent)
    assert (answer.status, value["price"]["amount"]) == (200, "19.99")
    (asked,) = product.asked
    assert (asked["Accept-Encoding"], asked["X-Custom"], "Range" in asked) == ("identity", "kept", False)


async def test_head(gateway: Gateway, http: aiohttp.ClientSession, product: Product) -> None:
    address = f"{gateway.base}/v2/products/{product.id}"
    whole, _ = await get(http, address)
    head, value = await get(http, address, method="HEAD")
    assert (head.status, value) == (200, None)
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]


async def test_problems_have_one_form(gateway: Gateway, http: aiohttp.ClientSession, product: Product) -> None:
    product.status, product.value, product.headers = 404, {"type": "urn:x", "status": 404}, {}
    answer, value = await get(http, f"{gateway.base}/v2/products/{product.id}")
    assert (answer.status, value) == (404, product.value)


@pytest.mark.owasp("API10")
async def test_what_cannot_be_mapped_is_a_bad_answer(
    gateway: Gateway, http: aiohttp.ClientSession, product: Product
) -> None:
    product.value = {"id": product.id}
    answer, value = await get(http, f"{gateway.base}/v2/products/{product.id}")
    assert (answer.status, value["type"]) == (502, "urn:stormglass:problem:unmappable-answer")


async def test_fields_that_a_route_sets(gateway: Gateway, http: aiohttp.ClientSession, standin: StandIn) -> None:
    page = Page({"items": [], "next": None}, headers={"Link": '<https://elsewhere>; rel="next"'})
    with serving(standin, {"/products": page}):
        answer, _ = await get(http, f"{gateway.base}/products", {"Cache-Control": "no-store"})
        assert answer.headers.getall("Link") == ['</v2/products>; rel="successor-version"']
        answer, value = await get(http, f"{gateway.base}/v2/products", {"Cache-Control": "no-store"})
        assert answer.headers.getall("Link") == ['<https://elsewhere>; rel="next"']
        assert value == {"items": [], "next": None}
