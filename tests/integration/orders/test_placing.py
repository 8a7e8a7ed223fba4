"""Placing an order exactly once, against real services: replays, races, crashes, failures at every step."""

import asyncio
import uuid
from collections import Counter
from pathlib import Path

from tests.integration.worker.gates import commit_gate, http_gate
from tests.integration.worker.shop import Shop, orders, until


def _kind(body: dict[str, object]) -> str:
    return str(body["type"]).rpartition(":")[2]


async def test_same_key_same_answer(shop: Shop) -> None:
    customer, product, key = await shop.customer(), await shop.product(), uuid.uuid4().hex
    first = await shop.place(customer, product, 2, key=key)
    again = await shop.place(customer, product, 2, key=key)
    assert (first.status, again.status) == (201, 201)
    assert first.raw == again.raw
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.body["total_cents"] == 2500
    assert first.body["items"][0]["quantity"] == 2
    assert await shop.stock(product) == {"available": 98, "reserved": 2, "sold": 0}


async def test_same_key_other_request(shop: Shop) -> None:
    customer, product, key = await shop.customer(), await shop.product(), uuid.uuid4().hex
    await shop.place(customer, product, 1, key=key)
    other = await shop.place(customer, product, 2, key=key)
    assert (other.status, _kind(other.body)) == (422, "idempotency-key-reused")
    # another customer's key of the same text is another key
    assert (await shop.place(await shop.customer(), product, 2, key=key)).status == 201


async def test_refusal_is_an_answer_too(shop: Shop) -> None:
    customer, product, key = await shop.customer(), await shop.product(stock=1), uuid.uuid4().hex
    refused = await shop.place(customer, product, 2, key=key)
    assert (refused.status, _kind(refused.body)) == (409, "insufficient-stock")
    assert refused.headers["Content-Type"].startswith("application/problem+json")
    assert refused.body["products"][0]["product_id"] == product
    restock = await shop.call("POST", f"/products/{product}/restock", "admin", ["products:write"], json={"quantity": 5})
    assert restock.status < 300, restock.raw
    assert (await shop.place(customer, product, 2, key=key)).raw == refused.raw
    assert (await shop.place(customer, product, 2)).status == 201


async def test_unknown_product(shop: Shop) -> None:
    reply = await shop.place(await shop.customer(), str(uuid.uuid4()))
    assert (reply.status, _kind(reply.body)) == (409, "insufficient-stock")


async def test_twenty_at_once_make_one_order(shop: Shop) -> None:
    customer, product, key = await shop.customer(), await shop.product(), uuid.uuid4().hex
    # past the balancer, which gives up on an answer after a second
    bases = [f"http://{shop.platform.address('orders', 1 + number % 2)}" for number in range(20)]
    replies = await asyncio.gather(*(shop.place(customer, product, key=key, base=base) for base in bases))
    statuses = Counter(reply.status for reply in replies)
    assert set(statuses) <= {201, 409}
    assert statuses[201] >= 1
    assert {_kind(reply.body) for reply in replies if reply.status == 409} <= {"request-in-flight"}
    assert len({reply.raw for reply in replies if reply.status == 201}) == 1
    assert (await shop.place(customer, product, key=key)).headers["Idempotency-Replayed"] == "true"
    assert len((await shop.call("GET", "/orders", customer)).body["items"]) == 1
    assert await shop.stock(product) == {"available": 99, "reserved": 1, "sold": 0}


async def test_in_flight_is_said_at_once(shop: Shop, tmp_path: Path) -> None:
    customer, product, key = await shop.customer(), await shop.product(), uuid.uuid4().hex
    held, release = asyncio.Event(), asyncio.Event()
    async with http_gate(shop.internal) as gate:

        async def hold() -> None:
            held.set()
            await release.wait()

        gate.before["POST /reservations"] = hold
        async with orders(shop, tmp_path / "orders.log", STORMGLASS_ADDRESS_INTERNAL=gate.address) as own:
            first = asyncio.create_task(shop.place(customer, product, key=key, base=own.base))
            await asyncio.wait_for(held.wait(), 30)
            second = await shop.place(customer, product, key=key)
            assert (second.status, _kind(second.body)) == (409, "request-in-flight")
            assert second.headers["Retry-After"] == "1"
            release.set()
            assert (await first).status == 201


async def test_first_attempt_crashed_after_it_reserved(shop: Shop, tmp_path: Path) -> None:
    customer, product, key = await shop.customer(), await shop.product(stock=2), uuid.uuid4().hex
    async with (
        http_gate(shop.internal) as gate,
        orders(
            shop,
            tmp_path / "orders.log",
            STORMGLASS_ADDRESS_INTERNAL=gate.address,
            STORMGLASS_ORDERS_LEASE_SECONDS="2",
        ) as own,
    ):

        async def kill() -> None:
            own.kill()
            await own.ended()

        gate.after["POST /reservations"] = kill
        crashed = await asyncio.gather(shop.place(customer, product, 2, key=key, base=own.base), return_exceptions=True)
        assert isinstance(crashed[0], OSError | Exception)
    assert await shop.stock(product) == {"available": 0, "reserved": 2, "sold": 0}

    async def repeated() -> object:
        reply = await shop.place(customer, product, 2, key=key)
        assert reply.status in {201, 409}
        return reply if reply.status == 201 else None

    reply = await until(repeated, what="the lease of the crashed attempt ends")
    reserved_for = "SELECT order_id::text FROM reservation WHERE id = $1::text::uuid"
    assert await shop.sql("products", reserved_for, reply.body["reservation_id"]) == reply.body["id"]
    assert await shop.stock(product) == {"available": 0, "reserved": 2, "sold": 0}


async def test_products_fails_and_the_retry_finds_its_reservation(shop: Shop, tmp_path: Path) -> None:
    customer, product, key = await shop.customer(), await shop.product(stock=1), uuid.uuid4().hex
    async with http_gate(shop.internal) as gate:

        async def fail() -> int:
            gate.after.clear()
            return 500

        gate.after["POST /reservations"] = fail
        async with orders(shop, tmp_path / "orders.log", STORMGLASS_ADDRESS_INTERNAL=gate.address) as own:
            failed = await shop.place(customer, product, key=key, base=own.base)
            assert (failed.status, failed.headers["Retry-After"]) == (503, "1")
            assert (await shop.place(customer, product, key=key, base=own.base)).status == 201
    assert await shop.stock(product) == {"available": 0, "reserved": 1, "sold": 0}


async def test_commit_fails_and_the_reservation_is_given_back(shop: Shop, tmp_path: Path) -> None:
    customer, product, key = await shop.customer(), await shop.product(stock=1), uuid.uuid4().hex
    async with http_gate(shop.internal) as gate:

        async def break_outbox() -> None:
            gate.after.clear()
            await shop.sql("orders", "ALTER TABLE outbox RENAME TO outbox_away")

        gate.after["POST /reservations"] = break_outbox
        async with orders(shop, tmp_path / "orders.log", STORMGLASS_ADDRESS_INTERNAL=gate.address) as own:
            try:
                failed = await shop.place(customer, product, key=key, base=own.base)
            finally:
                await shop.sql("orders", "ALTER TABLE outbox_away RENAME TO outbox")
            assert (failed.status, failed.headers["Retry-After"]) == (503, "1")
            assert await shop.stock(product) == {"available": 1, "reserved": 0, "sold": 0}
            assert (await shop.place(customer, product, key=key, base=own.base)).status == 201


async def test_answer_lost_after_the_commit_is_found(shop: Shop, tmp_path: Path) -> None:
    customer, product, key = await shop.customer(), await shop.product(stock=1), uuid.uuid4().hex
    async with (
        http_gate(shop.internal) as gate,
        commit_gate(shop.platform.address("postgres"), after=b"INSERT INTO outbox") as postgres,
    ):

        async def arm() -> None:
            postgres.armed = True

        gate.after["POST /reservations"] = arm
        async with orders(
            shop,
            tmp_path / "orders.log",
            STORMGLASS_ADDRESS_INTERNAL=gate.address,
            STORMGLASS_ADDRESS_POSTGRES=postgres.address,
        ) as own:
            reply = await shop.place(customer, product, key=key, base=own.base)
            assert reply.status == 201, reply.raw
            assert not postgres.armed
            assert reply.headers["Idempotency-Replayed"] == "true"
    assert (await shop.place(customer, product, key=key)).raw == reply.raw
    assert len((await shop.call("GET", "/orders", customer)).body["items"]) == 1
    assert await shop.stock(product) == {"available": 0, "reserved": 1, "sold": 0}


async def test_order_without_redis(shop: Shop) -> None:
    customer, product = await shop.customer(), await shop.product()
    await shop.signal("redis", "STOP")
    try:
        assert (await shop.place(customer, product)).status == 201
    finally:
        await shop.signal("redis", "CONT")


async def test_old_keys_are_forgotten(shop: Shop, tmp_path: Path) -> None:
    customer, _, order_id = await shop.placed()
    count = "SELECT count(*) FROM idempotency_key WHERE user_id = $1"
    assert await shop.sql("orders", count, customer) == 1
    age = "UPDATE idempotency_key SET created_at = now() - interval '25 hours' WHERE user_id = $1"
    await shop.sql("orders", age, customer)
    async with orders(shop, tmp_path / "orders.log", STORMGLASS_ORDERS_SWEEP_SECONDS="0.2"):

        async def gone() -> bool:
            return bool(await shop.sql("orders", count, customer) == 0)

        await until(gone, what="old keys gone")
    assert (await shop.order(customer, order_id))["status"] == "pending"
