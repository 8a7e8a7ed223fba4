"""Reading, cancelling, confirming: who may, and what an order may become."""

import uuid

import pytest

from tests.integration.worker.shop import Shop


async def test_only_the_owner_sees_an_order(shop: Shop) -> None:
    customer, _, order_id = await shop.placed()
    stranger = await shop.customer()
    assert (await shop.call("GET", f"/orders/{order_id}", customer)).status == 200
    for method, path in (("GET", f"/orders/{order_id}"), ("POST", f"/orders/{order_id}/cancel")):
        assert (await shop.call(method, path, stranger)).status == 404
    assert (await shop.call("GET", f"/orders/{order_id}", customer, ["profile:read"])).status == 403
    assert (await shop.call("GET", "/orders", stranger)).body == {"items": [], "next": None}


async def test_pages_newest_first(shop: Shop) -> None:
    customer, product = await shop.customer(), await shop.product()
    placed = [(await shop.place(customer, product)).body["id"] for _ in range(5)]
    seen, after = [], ""
    for _ in range(3):
        page = (await shop.call("GET", f"/orders?limit=2{after}", customer)).body
        seen += [order["id"] for order in page["items"]]
        after = f"&after={page['next']}"
    assert page["next"] is None
    assert seen == placed[::-1]


async def test_only_a_pending_order_can_be_cancelled(shop: Shop) -> None:
    customer, _, order_id = await shop.placed()
    assert (await shop.call("POST", f"/orders/{order_id}/cancel", customer)).body["status"] == "cancelled"
    again = await shop.call("POST", f"/orders/{order_id}/cancel", customer)
    assert (again.status, again.body["type"]) == (409, "urn:stormglass:problem:order-not-pending")


async def test_confirm_and_reject_are_for_services_and_repeatable(shop: Shop) -> None:
    customer, _, order_id = await shop.placed()
    reservation = {"reservation_id": str(uuid.uuid4())}
    assert (await shop.call("POST", f"/orders/{order_id}/confirm", customer, json=reservation)).status == 403
    for _ in range(2):
        confirmed = await shop.call("POST", f"/orders/{order_id}/confirm", "service:worker", json=reservation)
        assert (confirmed.status, confirmed.body["status"]) == (200, "confirmed")
        assert confirmed.body["reservation_id"] == reservation["reservation_id"]
    rejected = await shop.call("POST", f"/orders/{order_id}/reject", "service:worker", json={"reason": "no-stock"})
    assert (rejected.status, rejected.body["type"]) == (409, "urn:stormglass:problem:order-confirmed")
    _, _, second = await shop.placed()
    for _ in range(2):
        reply = await shop.call("POST", f"/orders/{second}/reject", "service:worker", json={"reason": "no-stock"})
        assert (reply.body["status"], reply.body["reason"]) == ("cancelled", "no-stock")
    late = await shop.call("POST", f"/orders/{second}/confirm", "service:worker", json=reservation)
    assert (late.status, late.body["type"]) == (409, "urn:stormglass:problem:order-cancelled")


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"items": []}, "k"),
        ({"items": [{"product_id": str(uuid.uuid4()), "quantity": 0}]}, "k"),
        ({"items": [{"product_id": str(uuid.uuid4()), "quantity": 101}]}, "k"),
        ({"items": [{"product_id": "x", "quantity": 1}]}, "k"),
        ({"items": [{"product_id": str(uuid.UUID(int=1)), "quantity": 1}] * 2}, "k"),
        ({"items": [{"product_id": str(uuid.uuid4()), "quantity": 1}], "price": 0}, "k"),
        ({"items": [{"product_id": str(uuid.uuid4()), "quantity": 1}]}, ""),
        ({"items": [{"product_id": str(uuid.uuid4()), "quantity": 1}]}, "k" * 256),
        ({"items": [{"product_id": str(uuid.uuid4()), "quantity": 1}]}, "a b"),
        ({"items": [{"product_id": str(uuid.uuid4()), "quantity": 1}]}, None),
    ],
)
async def test_malformed(shop: Shop, body: object, key: str | None) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}
    reply = await shop.call("POST", "/orders", "anybody", json=body, headers=headers)
    assert reply.status == 400, reply.raw
    assert reply.headers["Content-Type"].startswith("application/problem+json")
    assert reply.body["trace_id"]
