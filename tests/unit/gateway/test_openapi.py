"""The document made of what the services really say about themselves; no server is needed for that."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from services.gateway.openapi.document import document
from services.gateway.openapi.schemas import Schemas
from services.gateway.route import Route
from services.gateway.routes import ROUTES
from services.orders.app import create_app as orders
from services.products.app import create_app as products
from services.users.app import create_app as users

DOCUMENTS = {
    name: json.loads(json.dumps(create_app().openapi_schema.to_schema()))
    for name, create_app in (("users", users), ("products", products), ("orders", orders))
}
PUBLISHED: dict[str, Any] = json.loads(json.dumps(document(ROUTES, DOCUMENTS)))
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
OPERATIONS = [
    pytest.param(operation, id=f"{method} {path}")
    for path, operations in PUBLISHED["paths"].items()
    for method, operation in operations.items()
]


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from nodes(each)


def of(path: str, method: str = "get") -> dict[str, Any]:
    operation: dict[str, Any] = PUBLISHED["paths"][path][method]
    return operation


def test_it_has_the_routes_of_the_table_and_no_others() -> None:
    listed = {(path, method) for path, operations in PUBLISHED["paths"].items() for method in operations}
    assert listed == {(route.path, method.lower()) for route in ROUTES for method in route.methods}


def test_nothing_of_the_inside_is_in_it() -> None:
    text = json.dumps(PUBLISHED)
    inside = ("reservations/", "/contact", "/confirm", "/reject", "/credentials", "Identity", "ReserveItem", "Shown")
    assert [each for each in inside if each in text] == []


def test_every_reference_leads_somewhere_and_every_component_is_referred_to() -> None:
    references = {node["$ref"] for node in nodes(PUBLISHED) if isinstance(node.get("$ref"), str)}
    there = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "headers", "responses")
        for name in PUBLISHED["components"][kind]
    }
    assert references == there


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    assert [status for status in responses if status.startswith("2")]
    assert {"400", "413", "429", "502", "503", "504"} <= set(responses)
    assert ("401" in responses) or not operation["security"]
    for status, answer in responses.items():
        if status >= "400":
            assert answer["$ref"] == f"#/components/responses/{status}"
            continue
        assert ("content" in answer) is (status not in {"204", "304"})
    for scheme in operation["security"]:
        assert set(scheme) <= set(PUBLISHED["components"]["securitySchemes"])
    if "requestBody" in operation:
        assert {"408", "415"} <= set(responses)


def test_every_refusal_is_a_problem() -> None:
    for answer in PUBLISHED["components"]["responses"].values():
        assert answer["content"]["application/problem+json"]["schema"]["$ref"].endswith("/ProblemDocument")


@pytest.mark.parametrize("name", PUBLISHED["components"]["schemas"])
def test_a_schema_is_one(name: str) -> None:
    jsonschema_rs.meta.validate({**PUBLISHED["components"]["schemas"][name], "$schema": _DIALECT})


def test_operations_have_names_of_their_own() -> None:
    names = [node["operationId"] for node in nodes(PUBLISHED) if "operationId" in node]
    assert len(names) == len(set(names))
    assert {"getOrdersByOrderIdDetails", "postPlaceOrder", "getWellKnownJwksJson"} <= set(names)


def test_the_parameters_of_a_path_are_documented() -> None:
    for path, operations in PUBLISHED["paths"].items():
        for operation in operations.values():
            documented = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
            assert documented == set(re.findall(r"\{(\w+)\}", path))


def test_credentials_and_scopes() -> None:
    assert of("/orders", "post")["security"] == [
        {"bearer": ["orders:write"]},
        {"apiKey": ["orders:write"]},
        {"session": ["orders:write"], "csrf": []},
    ]
    assert of("/api-keys")["security"] == [{"bearer": ["account"]}, {"session": ["account"]}]
    assert of("/products")["security"] == [{"bearer": []}, {"apiKey": []}, {"session": []}, {}]
    assert of("/tokens", "post")["security"] == []


def test_an_alias_says_what_its_service_s_own_path_says() -> None:
    alias, own = of("/place-order", "post"), of("/orders", "post")
    assert {**alias, "operationId": ""} == {**own, "operationId": ""}
    assert [each["name"] for each in own["parameters"]] == ["Idempotency-Key"]


def test_a_shape_and_a_composition() -> None:
    shaped = of("/v2/products/{product_id}")["responses"]
    assert shaped["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ProductV2"}
    assert "304" in shaped
    details = of("/orders/{order_id}/details")
    schema = details["responses"]["200"]["content"]["application/json"]["schema"]
    assert list(schema["properties"]) == schema["required"] == ["order", "products", "profile", "unavailable"]
    assert schema["properties"]["order"] == {"$ref": "#/components/schemas/OrderView"}
    assert schema["properties"]["products"]["anyOf"][1] == {"type": "null"}
    assert schema["properties"]["unavailable"]["items"]["enum"] == ["products", "profile"]
    assert "404" in details["responses"]


def test_a_route_that_leads_to_nothing_is_left_out() -> None:
    made = document([*ROUTES, Route(("GET",), "/orders/nothing", "orders")], DOCUMENTS)
    assert made["paths"].keys() == PUBLISHED["paths"].keys()


def test_parameters_are_called_as_the_route_calls_them() -> None:
    made = document([Route(("GET",), "/orders/{which}", "orders")], DOCUMENTS)
    assert [each["name"] for each in made["paths"]["/orders/{which}"]["get"]["parameters"]] == ["which"]


def test_two_schemas_of_one_name() -> None:
    def source(kind: str) -> dict[str, Any]:
        return {
            "components": {"schemas": {"Thing": {"type": kind}, "Own" + kind: {"$ref": "#/components/schemas/Thing"}}}
        }

    schemas = Schemas({"a": source("string"), "b": source("object")})
    schemas.adopt("a", [{"$ref": "#/components/schemas/Ownstring"}])
    schemas.adopt("b", [{"$ref": "#/components/schemas/Ownobject"}])
    assert schemas.collected == {
        "Ownstring": {"$ref": "#/components/schemas/AThing"},
        "AThing": {"type": "string"},
        "Ownobject": {"$ref": "#/components/schemas/BThing"},
        "BThing": {"type": "object"},
    }
