"""Members that nobody may set, and members that nobody may see: every endpoint that writes, every odd member."""

import json
import uuid
from typing import Any

import pytest

from services.gateway.routes import ROUTES
from tests.security.people import Client, Person, problem

pytestmark = pytest.mark.owasp("API3")

EXTRA: dict[str, Any] = {
    "is_admin": True,
    "admin": True,
    "role": "admin",
    "roles": ["admin"],
    "scope": "admin products:write",
    "scopes": ["admin", "products:write"],
    "id": str(uuid.UUID(int=1)),
    "user_id": str(uuid.UUID(int=1)),
    "sub": str(uuid.UUID(int=1)),
    "status": "confirmed",
    "total_cents": 1,
    "price_cents": 1,
    "unit_price_cents": 1,
    "reservation_id": str(uuid.UUID(int=1)),
    "created_at": "2000-01-01T00:00:00Z",
    "password_hash": "$argon2id$",
    "email_verified": True,
    "expires_at": "2999-01-01T00:00:00Z",
    "lifetime": 10**9,
    "__proto__": {"is_admin": True},
    "constructor": {},
    "$where": "1",
}
"""What an attacker would like to set."""

ITEM = {"product_id": str(uuid.UUID(int=2)), "quantity": 1}
PRODUCT = {"sku": "SEC-MEMBERS", "name": "x", "description": "", "price_cents": 1, "stock": 0}
CREDENTIALS = {"email": "nobody@example.org", "password": "not this one"}

BODIES: dict[tuple[str, str], tuple[dict[str, Any], str]] = {
    ("POST", "/users"): ({**CREDENTIALS, "name": "x"}, ""),
    ("POST", "/tokens"): (CREDENTIALS, ""),
    ("POST", "/tokens/refresh"): ({"refresh_token": "x" * 43}, ""),
    ("POST", "/tokens/revoke"): ({"refresh_token": "x" * 43}, ""),
    ("POST", "/sessions"): (CREDENTIALS, ""),
    ("PATCH", "/users/me"): ({"name": "x"}, ""),
    ("POST", "/users/me/password"): ({"current_password": "not this one", "new_password": "nor that one"}, ""),
    ("POST", "/api-keys"): ({"name": "x", "scopes": ["orders:read"]}, ""),
    ("PUT", "/products"): ({"items": [PRODUCT]}, "items"),
    ("POST", "/products/{product_id}/restock"): ({"quantity": 1}, ""),
    ("POST", "/orders"): ({"items": [ITEM]}, "items"),
    ("POST", "/place-order"): ({"items": [ITEM]}, "items"),
}
"""A good body for every route that takes one, and the member whose elements are looked at too."""

NO_MEMBERS = {("POST", "/orders/{order_id}/cancel")}
"""Routes that let a body through which the service does not look at."""


def test_every_route_that_takes_a_body_is_attacked() -> None:
    taking = {(method, route.path) for route in ROUTES if route.body for method in route.methods}
    assert taking == BODIES.keys() | NO_MEMBERS


def _attempts(body: dict[str, Any], inner: str) -> list[tuple[str, dict[str, Any]]]:
    own = [(name, {**body, name: value}) for name, value in EXTRA.items() if name not in body]
    if not inner:
        return own
    element = body[inner][0]
    return own + [
        (f"{inner}.{name}", {**body, inner: [{**element, name: value}]})
        for name, value in EXTRA.items()
        if name not in element
    ]


@pytest.mark.parametrize(("method", "path"), BODIES)
def test_a_member_that_is_not_offered_is_refused_not_ignored(method: str, path: str, admin: Person) -> None:
    body, inner = BODIES[method, path]
    target = path.replace("{product_id}", str(uuid.uuid4()))
    accepted = []
    # the administrator: whoever may do most is refused for the member's sake, not for a scope's
    for name, attempt in _attempts(body, inner):
        answer = admin.call(method, target, attempt, headers={"Idempotency-Key": uuid.uuid4().hex})
        if answer.status_code != 400 or problem(answer) != "invalid-request":
            accepted.append(f"{name}: {answer.status_code} {answer.text[:200]}")
    assert accepted == []


def test_a_body_where_none_is_wanted_changes_nothing(customer: Person, goods: str) -> None:
    order = customer.order(goods)
    answer = customer.call("POST", f"/orders/{order['id']}/cancel", {"status": "confirmed", "total_cents": 0})
    assert answer.status_code in {200, 409}
    after = customer.call("GET", f"/orders/{order['id']}").json()
    assert after["total_cents"] == order["total_cents"]


def test_members_in_the_query_do_not_count(customer: Person, goods: str) -> None:
    query = "user_id=00000000-0000-0000-0000-000000000001&price_cents=1&status=confirmed&total_cents=1"
    body = {"items": [{"product_id": goods, "quantity": 2}]}
    answer = customer.call("POST", f"/orders?{query}", body, headers={"Idempotency-Key": uuid.uuid4().hex})
    assert answer.status_code == 201
    placed = answer.json()
    assert (placed["user_id"], placed["status"], placed["total_cents"]) == (customer.id, "pending", 2 * 1999)


@pytest.mark.parametrize("name", ["quantity", "product_id"])
def test_a_member_that_is_named_twice_is_counted_once(name: str, customer: Person, goods: str) -> None:
    first = json.dumps({"product_id": goods, "quantity": 1})[:-1]
    other = {"quantity": 100, "product_id": str(uuid.uuid4())}[name]
    raw = f'{{"items":[{first},{json.dumps(name)}:{json.dumps(other)}}}]}}'
    answer = customer.call(
        "POST",
        "/orders",
        content=raw,
        headers={"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json"},
    )
    # the last one counts, for the only reader there is; both or a mix would be a way past a check
    if name == "quantity":
        assert (answer.status_code, answer.json()["total_cents"]) == (201, 100 * 1999)
    else:
        assert (answer.status_code, problem(answer)) == (409, "insufficient-stock")


@pytest.mark.parametrize("content_type", ["application/xml", "text/plain", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_not_a_way_around(content_type: str, edge: Client) -> None:
    body = json.dumps({"email": "x@example.org", "password": "long enough", "name": "x"})
    answer = edge.call("POST", "/users", content=body, headers={"Content-Type": content_type} if content_type else {})
    assert (answer.status_code, problem(answer)) == (415, "unsupported-media-type")


def test_answers_show_no_more_than_is_meant(customer: Person, goods: str) -> None:
    profile = customer.call("GET", "/users/me").json()
    assert profile.keys() == {"id", "email", "name", "created_at"}
    product = customer.call("GET", f"/products/{goods}").json()
    assert product.keys() == {"id", "sku", "name", "description", "price_cents"}
    order = customer.call("GET", f"/orders/{customer.order(goods)['id']}").json()
    wanted = {"id", "user_id", "status", "reason", "reservation_id", "items", "total_cents", "created_at", "updated_at"}
    assert order.keys() == wanted
