"""Open-loop load: requests leave when they are due, however long the ones before them take.

A closed loop would fall silent together with a stalled server, and so count one slow request where a hundred visitors
would have met one. What is in flight is bounded all the same.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from chaos.load.orders import Orders
from chaos.load.record import Recording
from chaos.load.shop import Shop, Shopper
from chaos.load.shoppers import needed, prepare, stay_logged_in
from stormglass.runtime.instance import Instance

RATE = 20.0
"""Requests per second unless told otherwise: a small part of what a two-core machine can do, so that what is seen are
the fault's effects and not those of the load."""

IN_FLIGHT = 400
"""Requests at a time; one that would be more waits, and the wait counts as its latency."""

POPULAR = 24
"""Products that are looked at, and ordered: few enough for a cache to be of use at any rate."""

PRODUCT, LIST, ORDER = "GET /products/{id}", "GET /orders", "POST /place-order"
_SHARES = {PRODUCT: 0.80, LIST: 0.10, ORDER: 0.10}


class Load:
    """The load while it runs: the recording grows, and so does the list of acknowledged orders."""

    def __init__(self, shop: Shop, shoppers: list[Shopper], products: list[str], rate: float) -> None:
        self._shop = shop
        self._shoppers = shoppers
        self._products = products[:POPULAR]
        self._interval = 1 / rate
        self._free = asyncio.Semaphore(IN_FLIGHT)
        self._tasks: set[asyncio.Task[None]] = set()
        self._random = random.Random(7)  # noqa: S311 - the same mixture of requests in every run
        self.orders = Orders(shop)

    @property
    def recording(self) -> Recording:
        """Every request so far."""
        return self._shop.recording

    @property
    def shoppers(self) -> list[Shopper]:
        """Who asks."""
        return self._shoppers

    @classmethod
    @asynccontextmanager
    async def running(cls, instance: Instance, rate: float = RATE) -> AsyncIterator[Self]:
        """Load on an instance while the block runs; at its end every request and every repeated order is awaited."""
        async with Shop.open(f"http://{instance.address('edge')}") as shop:
            shoppers = await prepare(shop, instance, needed(rate))
            load = cls(shop, shoppers, await shop.products(), rate)
            running = [asyncio.create_task(load._tick()), asyncio.create_task(stay_logged_in(shop, shoppers))]
            try:
                yield load
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*load._tasks)

    async def _tick(self) -> None:
        number, begun = 0, time.monotonic()
        while True:
            due = begun + number * self._interval
            await asyncio.sleep(due - time.monotonic())
            await self._free.acquire()
            task = asyncio.create_task(self._one(self._shoppers[number % len(self._shoppers)], due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            number += 1

    async def _one(self, shopper: Shopper, due: float) -> None:
        try:
            (route,) = self._random.choices(list(_SHARES), list(_SHARES.values()))
            product = self._random.choice(self._products)
            if route == ORDER:
                await self.orders.place(shopper, ORDER, product, due)
            else:
                await self._shop.ask(shopper, route, f"/products/{product}" if route == PRODUCT else "", due=due)
        finally:
            self._free.release()
