"""What becomes of an order whose reservation, or whose customer, did not wait."""

import asyncio
from pathlib import Path

from tests.integration.worker.gates import http_gate
from tests.integration.worker.shop import Shop, until, worker

EXPIRE = "UPDATE reservation SET expires_at = now() - interval '1 s' WHERE order_id = $1::text::uuid"


async def test_expired_reservation_is_made_anew(shop: Shop, tmp_path: Path) -> None:
    customer, product, order_id = await shop.placed(quantity=3)
    before = (await shop.order(customer, order_id))["reservation_id"]
    await shop.sql("products", EXPIRE, order_id)
    async with worker(shop, tmp_path / "worker.log"):
        order = await shop.settled(customer, order_id, "confirmed")
        assert "confirmed" in (await shop.one_mail(order_id))["Subject"]
    assert order["reservation_id"] != before
    assert await shop.stock(product) == {"available": 97, "reserved": 0, "sold": 3}


async def test_expired_and_sold_to_somebody_else(shop: Shop, tmp_path: Path) -> None:
    customer, product, order_id = await shop.placed(quantity=3, stock=3)
    await shop.sql("products", EXPIRE, order_id)
    other = await shop.customer()

    async def second() -> bool:
        reply = await shop.place(other, product, 2)
        return reply.status == 201

    await until(second, what="the sweeper frees the stock")
    async with worker(shop, tmp_path / "worker.log"):
        order = await shop.settled(customer, order_id, "cancelled")
        assert order["reason"] == "out-of-stock"
        assert "cancelled" in (await shop.one_mail(order_id))["Subject"]


async def test_cancelled_before_the_worker_saw_it(shop: Shop, tmp_path: Path) -> None:
    customer, product, order_id = await shop.placed(quantity=2)
    cancelled = await shop.call("POST", f"/orders/{order_id}/cancel", customer)
    assert (cancelled.status, cancelled.body["status"], cancelled.body["reason"]) == (200, "cancelled", "customer")
    async with worker(shop, tmp_path / "worker.log"):
        assert "cancelled" in (await shop.one_mail(order_id))["Subject"]
    assert await shop.stock(product) == {"available": 100, "reserved": 0, "sold": 0}


async def test_cancelled_while_its_stock_is_being_sold(shop: Shop, tmp_path: Path) -> None:
    async with http_gate(shop.internal) as gate:

        async def cancel() -> None:
            gate.before.clear()
            order_id = await known
            reply = await shop.call("POST", f"/orders/{order_id}/cancel", customer)
            assert reply.status == 200, reply.raw

        known: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        gate.before["POST /orders/*/confirm"] = cancel
        customer, product = await shop.customer(), await shop.product()
        async with worker(shop, tmp_path / "worker.log", STORMGLASS_ADDRESS_INTERNAL=gate.address):
            placed = await shop.place(customer, product, 4)
            known.set_result(str(placed.body["id"]))
            await shop.settled(customer, placed.body["id"], "cancelled")
            assert "cancelled" in (await shop.one_mail(placed.body["id"]))["Subject"]
        assert await shop.stock(product) == {"available": 100, "reserved": 0, "sold": 0}
