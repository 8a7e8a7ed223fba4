"""Orders under load: each is repeated with its key until it is answered, and every acknowledged one is remembered."""

import asyncio
import time
import uuid
from dataclasses import dataclass

from chaos.load.shop import Shop, Shopper

REPEAT_SECONDS = 0.5
REPEAT_CAP_SECONDS = 5.0
"""Bounds of the pauses between attempts, which double: customers who hammered an overloaded shop would keep it so."""

ATTEMPTS = 12
"""A customer who gives up after 50 seconds or more."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An order that the platform has promised. `at` is `time.monotonic()`; `attempts` 1 where it was not repeated."""

    order_id: str
    email: str
    at: float
    attempts: int


class Orders:
    """What was ordered. `refused` counts orders that were answered with no (sold out), `unanswered` those given up."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.acknowledged: list[Acknowledged] = []
        self.refused = 0
        self.unanswered = 0

    async def place(self, shopper: Shopper, route: str, product: str, due: float) -> None:
        """One order of one unit, under one key however often it is sent."""
        key, wanted = uuid.uuid4().hex, {"items": [{"product_id": product, "quantity": 1}]}
        for attempt in range(1, ATTEMPTS + 1):
            answer = await self._shop.ask(shopper, route, json=wanted, key=key, due=due if attempt == 1 else None)
            if answer.status in {200, 201}:
                acknowledged = Acknowledged(answer.body["id"], shopper.email, time.monotonic(), attempt)
                self.acknowledged.append(acknowledged)
                return
            if 400 <= answer.status < 500 and not _in_progress(answer.status, answer.body):
                self.refused += 1
                return
            await asyncio.sleep(min(REPEAT_CAP_SECONDS, REPEAT_SECONDS * 2 ** (attempt - 1)))
        self.unanswered += 1


def _in_progress(status: int, body: object) -> bool:
    """Whether the attempt before this one is still being worked on (or the rate limit says: later)."""
    return status == 429 or (status == 409 and isinstance(body, dict) and "insufficient" not in str(body.get("type")))
