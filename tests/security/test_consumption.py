"""Asking for more than anybody needs: pages, lists, numbers, depth, patterns. Refused at once, and cheaply."""

import json
import time
import uuid
from typing import Any

import pytest

from tests.security.people import Client, Person, problem

pytestmark = pytest.mark.owasp("API4")

SECONDS = 3.0
"""Longest an answer to nonsense may take on a busy machine; a pattern that backtracks takes minutes."""


def _refused(client: Client, method: str, path: str, body: Any = None, **options: Any) -> None:
    begun = time.monotonic()
    answer = client.call(method, path, body, **options)
    spent = time.monotonic() - begun
    assert answer.status_code in {400, 413, 414, 431}, f"{answer.status_code} {answer.text[:300]}"
    problem(answer)
    assert spent < SECONDS


@pytest.mark.parametrize("path", ["/products", "/v2/products", "/orders"])
@pytest.mark.parametrize(
    "limit", ["101", "0", "-1", "1000000", str(2**63), "9" * 400, "9" * 5000, "1e3", "1.5", "NaN", "", "0x10", "１０"]
)
def test_a_page_has_an_end(path: str, limit: str, customer: Person) -> None:
    _refused(customer, "GET", path, params={"limit": limit})


@pytest.mark.parametrize("path", ["/products", "/orders"])
def test_a_page_may_be_as_long_as_it_says(path: str, customer: Person) -> None:
    answer = customer.call("GET", path, params={"limit": "100"})
    assert answer.status_code == 200
    assert len(answer.json()["items"]) <= 100


@pytest.mark.parametrize("path", ["/products", "/orders"])
@pytest.mark.parametrize("after", ["x", "a" * 5000, "\0", "-1", "MDAwMA==", "e30", "' OR 1=1 --"])
def test_a_made_up_cursor_is_refused(path: str, after: str, customer: Person) -> None:
    _refused(customer, "GET", path, params={"after": after})


@pytest.mark.parametrize("query", ["x" * 101, "\0", "x" * 6000])
def test_a_search_has_an_end(query: str, edge: Client) -> None:
    _refused(edge, "GET", "/products", params={"q": query})


@pytest.mark.parametrize("query", ["%", "_", "%%%%", "\\", "[a-z]", "' OR '1'='1", "*", "%_%"])
def test_a_search_knows_no_wild_cards(query: str, edge: Client) -> None:
    answer = edge.call("GET", "/products", params={"q": query})
    assert answer.status_code == 200
    assert all(query in item["name"] for item in answer.json()["items"])


def _items(count: int, **changes: Any) -> dict[str, Any]:
    return {"items": [{"product_id": str(uuid.uuid4()), "quantity": 1, **changes} for _ in range(count)]}


@pytest.mark.parametrize("count", [0, 51, 500])
def test_an_order_has_an_end(count: int, customer: Person) -> None:
    _refused(customer, "POST", "/orders", _items(count), headers={"Idempotency-Key": uuid.uuid4().hex})


@pytest.mark.parametrize(
    "quantity", [0, -1, 101, 2**31, 2**63, 2**64, 10**300, 1.5, 1e308, "1", True, None, [1], {}], ids=repr
)
def test_a_quantity_is_a_small_whole_number(quantity: Any, customer: Person) -> None:
    body = _items(1, quantity=quantity)
    _refused(customer, "POST", "/orders", body, headers={"Idempotency-Key": uuid.uuid4().hex})


@pytest.mark.parametrize("key", ["", "k" * 256, "k" * 4000, "with space", "tab\tbed", "nö"])
def test_an_idempotency_key_is_short_and_plain(key: str, customer: Person) -> None:
    _refused(customer, "POST", "/orders", _items(1), headers=[("Idempotency-Key", key.encode())])


def test_products_are_written_by_the_hundred(admin: Person) -> None:
    item = {"name": "x", "description": "", "price_cents": 1, "stock": 0}
    _refused(admin, "PUT", "/products", {"items": [{**item, "sku": f"SEC-MANY-{number}"} for number in range(201)]})


@pytest.mark.parametrize(
    "change",
    [
        {"name": "x" * 121},
        {"description": "x" * 2001},
        {"price_cents": -1},
        {"price_cents": 10**9},
        {"stock": 10**7},
        {"stock": -1},
        {"sku": "X" * 41},
        {"sku": "X\n"},
    ],
    ids=str,
)
def test_a_product_has_bounds(change: dict[str, Any], admin: Person) -> None:
    item = {"sku": "SEC-BOUNDS", "name": "x", "description": "", "price_cents": 1, "stock": 0, **change}
    _refused(admin, "PUT", "/products", {"items": [item]})


@pytest.mark.parametrize("quantity", [0, -1, 10**7, 2**63])
def test_a_restock_has_bounds(quantity: int, admin: Person, goods: str) -> None:
    _refused(admin, "POST", f"/products/{goods}/restock", {"quantity": quantity})


@pytest.mark.parametrize(
    "change",
    [
        {"password": "x" * 129},
        {"password": "x" * 15_000},
        {"name": "x" * 101},
        {"email": f"{'a' * 250}@example.org"},
        # patterns that backtrack try every way to cut these up
        {"email": f"a@{'a.' * 120}"},
        {"email": f"a@{'a-' * 100}!"},
        {"email": f"{'a' * 64}@{'a' * 63}.{'a' * 63}.{'-' * 50}"},
        {"email": "a@b.c\n"},
        {"name": "x\n" * 40},
    ],
    ids=lambda change: str(change)[:40],
)
def test_an_account_has_bounds_and_its_patterns_do_not_backtrack(change: dict[str, str], edge: Client) -> None:
    body = {"email": "someone@example.org", "password": "long enough", "name": "x", **change}
    _refused(edge, "POST", "/users", body)


DEEP = {
    "lists": "[" * 7000 + "]" * 7000,
    "objects": '{"a":' * 2500 + "1" + "}" * 2500,
    "open lists": "[" * 15_000,
    "a long number": "1" * 15_000,
    "a long text": json.dumps("x" * 15_000),
    "a long exponent": "1e999999999",
    "an open text": '"',
    "nothing": "",
    "NUL": "\0",
    "half a pair": '{"email":"\\ud800"}',
    "a byte order mark": "\ufeff{}",
    "not a number": "NaN",
}


@pytest.mark.parametrize("path", ["/users", "/tokens", "/sessions", "/tokens/refresh"])
@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_odd_json_is_refused(path: str, text: str, edge: Client) -> None:
    _refused(edge, "POST", path, content=text.encode(), headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("count", [1, 100])
def test_parameters_do_not_add_up(count: int, edge: Client) -> None:
    answer = edge.call("GET", "/products?" + "&".join(["limit=1"] * count))
    assert answer.status_code in {200, 400}
    if answer.status_code == 200:
        assert len(answer.json()["items"]) <= 1


def test_a_body_that_is_too_long_is_not_read(edge: Client, customer: Person) -> None:
    for client, path in ((edge, "/users"), (edge, "/tokens"), (customer, "/orders")):
        answer = client.call("POST", path, content=b"x" * 200_000, headers={"Content-Type": "application/json"})
        assert (answer.status_code, problem(answer)) == (413, "body-too-large")
