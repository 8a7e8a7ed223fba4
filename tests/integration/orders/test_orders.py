"""Reading, cancelling, confirming: who may, and what an order may become."""

import uuid

import pytest

from stormglass.resilience import deadline
from tests.integration.worker.shop import Shop
from tests.telemetry.scrape import total


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


async def test_what_orders_are_worth_is_counted_when_they_are_placed_and_when_they_end(shop: Shop) -> None:
    def worth(outcome: str) -> float:
        return total(shop.platform, "order_value_cents_total", "orders", outcome=outcome)

    before = {outcome: worth(outcome) for outcome in ("placed", "confirmed", "cancelled")}
    customer, _, cancelled = await shop.placed(quantity=3)
    assert (await shop.call("POST", f"/orders/{cancelled}/cancel", customer)).status == 200
    _, _, confirmed = await shop.placed(quantity=2)
    reservation = {"reservation_id": str(uuid.uuid4())}
    for _ in range(2):  # a repetition is worth nothing
        await shop.call("POST", f"/orders/{confirmed}/confirm", "service:worker", json=reservation)
    grown = {outcome: worth(outcome) - before[outcome] for outcome in before}
    assert grown == {"placed": 5 * 1250, "confirmed": 2 * 1250, "cancelled": 3 * 1250}


async def test_an_order_whose_time_is_up_before_its_stock_is_reserved_is_counted(shop: Shop) -> None:
    before = total(shop.platform, "deadline_exceeded_total", "orders", where="reservation")
    reply = await shop.call(
        "POST",
        "/orders",
        await shop.customer(),
        json={"items": [{"product_id": await shop.product(), "quantity": 1}]},
        headers={"Idempotency-Key": uuid.uuid4().hex, deadline.HEADER: "1"},
        base=f"http://{shop.platform.address('orders')}",
    )
    assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
    assert total(shop.platform, "deadline_exceeded_total", "orders", where="reservation") == before + 1


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
