"""Shapes, a composition and the published document, of real services through the edge of a running platform."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest

from services.users.admin import EMAIL
from stormglass.testing import Platform

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def edge(platform: Platform) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=platform.base_url, timeout=60) as client:
        yield client


def log_in(edge: httpx.Client, email: str, password: str) -> dict[str, str]:
    answer = edge.post("/tokens", json={"email": email, "password": password})
    answer.raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture(scope="module")
def buyer(edge: httpx.Client) -> dict[str, str]:
    email = f"{uuid.uuid4().hex}@example.org"
    edge.post("/users", json={"email": email, "password": PASSWORD, "name": "Ada"}).raise_for_status()
    return log_in(edge, email, PASSWORD)


@pytest.fixture(scope="module")
def product(edge: httpx.Client, platform: Platform) -> dict[str, Any]:
    admin = log_in(edge, EMAIL, platform.secret("users", "admin_password"))
    sku = f"EDGE-{uuid.uuid4().hex[:8].upper()}"
    item = {"sku": sku, "name": f"Thing {sku}", "description": "x", "price_cents": 1999, "stock": 100}
    edge.put("/products", json={"items": [item]}, headers=admin).raise_for_status()
    (found,) = edge.get("/products", params={"q": sku}).json()["items"]
    return dict(found)


@pytest.fixture(scope="module")
def document(edge: httpx.Client) -> dict[str, Any]:
    answer = edge.get("/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json())


def hold_to_the_document(document: dict[str, Any], path: str, answer: httpx.Response) -> None:
    """The body has the form that the document says."""
    response = document["paths"][path]["get"]["responses"][str(answer.status_code)]
    if reference := response.get("$ref"):
        response = document["components"]["responses"][reference.rpartition("/")[2]]
    content = response["content"]
    schema = content[answer.headers["Content-Type"].partition(";")[0]]["schema"]
    dialect = "https://json-schema.org/draft/2020-12/schema"
    whole = {"$schema": dialect, "allOf": [schema], "components": document["components"]}
    jsonschema_rs.validator_for(whole, validate_formats=True).validate(answer.json())


def test_one_product_in_two_versions(edge: httpx.Client, product: dict[str, Any], document: dict[str, Any]) -> None:
    first = edge.get(f"/products/{product['id']}")
    second = edge.get(f"/v2/products/{product['id']}")
    assert (first.json()["price_cents"], second.json()["price"]) == (1999, {"amount": "19.99", "currency": "EUR"})
    assert "hit" in second.headers["Cache-Status"], "it was made of what the first request had stored"
    hold_to_the_document(document, "/products/{product_id}", first)
    hold_to_the_document(document, "/v2/products/{product_id}", second)
    again = edge.get(f"/v2/products/{product['id']}", headers={"If-None-Match": second.headers["ETag"]})
    assert again.status_code == 304
    page = edge.get("/v2/products", params={"q": product["sku"]})
    assert [item["id"] for item in page.json()["items"]] == [product["id"]]
    hold_to_the_document(document, "/v2/products", page)
    missing = edge.get(f"/v2/products/{uuid.uuid4()}")
    assert missing.status_code == 404
    hold_to_the_document(document, "/v2/products/{product_id}", missing)


def test_an_order_with_its_products_and_its_buyer(
    edge: httpx.Client, buyer: dict[str, str], product: dict[str, Any], document: dict[str, Any]
) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    wanted = {"items": [{"product_id": product["id"], "quantity": 2}]}
    order = edge.post("/place-order", json=wanted, headers=buyer | key)
    assert order.status_code == 201
    details = edge.get(f"/orders/{order.json()['id']}/details", headers=buyer)
    assert details.status_code == 200
    value = details.json()
    assert value["order"]["id"] == order.json()["id"]
    assert value["products"] == [product]
    assert (value["profile"]["name"], value["unavailable"]) == ("Ada", [])
    hold_to_the_document(document, "/orders/{order_id}/details", details)


def test_somebody_else_s_order_has_no_details(
    edge: httpx.Client, buyer: dict[str, str], product: dict[str, Any], document: dict[str, Any]
) -> None:
    wanted = {"items": [{"product_id": product["id"], "quantity": 1}]}
    order = edge.post("/orders", json=wanted, headers=buyer | {"Idempotency-Key": uuid.uuid4().hex}).json()
    email = f"{uuid.uuid4().hex}@example.org"
    edge.post("/users", json={"email": email, "password": PASSWORD, "name": "Eve"}).raise_for_status()
    answer = edge.get(f"/orders/{order['id']}/details", headers=log_in(edge, email, PASSWORD))
    assert answer.status_code == 404
    hold_to_the_document(document, "/orders/{order_id}/details", answer)


@pytest.mark.parametrize("path", ["/products", "/v2/products", "/openapi.json"])
def test_a_body_is_refused_where_none_is_wanted_also_by_answers_that_are_not_passed_on(
    edge: httpx.Client, path: str
) -> None:
    answer = edge.request("GET", path, content=b"{}")
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:stormglass:problem:body-too-large")


def test_what_somebody_is_told_is_kept_by_no_cache(edge: httpx.Client, buyer: dict[str, str]) -> None:
    assert edge.get("/orders", headers=buyer).headers["Cache-Control"] == "no-store"
    assert edge.get("/users/me", headers=buyer).headers["Cache-Control"] == "private, no-cache"
    assert edge.get("/products").headers["Cache-Control"] == "public, no-cache"
