"""Many buyers, few items, two replicas: exactly as many win as there are items."""

import asyncio
import random
import uuid
from collections import Counter

from stormglass.data.database import Database
from tests.integration.products.client import ORDERS, Answer, Client
from tests.integration.products.shop import Units, counted, stock_up
from tests.integration.products.waiting import until

BUYERS = 50

Basket = dict[uuid.UUID, int]


async def reserve(products: Client, replica: int, items: Basket, order: uuid.UUID | None = None) -> Answer:
    lines = [{"product_id": str(product), "quantity": quantity} for product, quantity in items.items()]
    body = {"order_id": str(order or uuid.uuid4()), "items": lines}

    async def answered() -> Answer | None:
        answer = await products.call("POST", "/reservations", body, who=ORDERS, replica=replica)
        return None if answer.status == 503 else answer

    # more ask at once than a replica has connections: on a slow machine some are told to come again, as the same order
    final = await until(answered, seconds=60)
    assert final is not None
    return final


async def test_fifty_buyers_of_the_last_ten(products: Client, database: Database) -> None:
    (lens,) = await stock_up(database, 10)
    answers = await asyncio.gather(*(reserve(products, 1 + buyer % 2, {lens: 1}) for buyer in range(BUYERS)))
    assert Counter(answer.status for answer in answers) == {201: 10, 409: 40}
    assert {answer.problem for answer in answers if answer.status == 409} == {"insufficient-stock"}
    assert await counted(database, [lens]) == {lens: Units(available=0, reserved=10, sold=0)}

    won = [answer.body["id"] for answer in answers if answer.status == 201]
    ends = ["confirm"] * 6 + ["release"] * 4
    done = await asyncio.gather(
        *(
            products.call("POST", f"/reservations/{each}/{end}", who=ORDERS, replica=1 + number % 2)
            for number, (each, end) in enumerate(zip(won, ends, strict=True))
        )
    )
    assert {answer.status for answer in done} == {200}
    assert await counted(database, [lens]) == {lens: Units(available=4, reserved=0, sold=6)}


async def test_baskets_in_every_order_neither_deadlock_nor_take_a_part(products: Client, database: Database) -> None:
    goods = await stock_up(database, 12, 12, 12, 12, 12)
    shuffled = random.Random(7)
    baskets = [dict.fromkeys(shuffled.sample(goods, 4), 1) for _ in range(BUYERS)]
    answers = await asyncio.gather(
        *(reserve(products, 1 + number % 2, basket) for number, basket in enumerate(baskets))
    )
    assert {answer.status for answer in answers} == {201, 409}
    taken = Counter[uuid.UUID]()
    for answer, basket in zip(answers, baskets, strict=True):
        if answer.status == 201:
            taken.update(basket)
    units = await counted(database, goods)
    assert {product: each.reserved for product, each in units.items()} == dict(taken)
    # whoever was refused was refused for a reason: one of the goods is gone
    assert min(each.available for each in units.values()) == 0


async def test_one_order_that_asks_many_times_at_once_has_one_reservation(products: Client, database: Database) -> None:
    (lens,) = await stock_up(database, 100)
    order = uuid.uuid4()
    answers = await asyncio.gather(*(reserve(products, 1 + each % 2, {lens: 3}, order) for each in range(20)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert await counted(database, [lens]) == {lens: Units(available=97, reserved=3, sold=0)}
