"""Stock: a look at the level through the cache, and the reservation that decides.

The look is advisory. It refuses what is plainly impossible before anything is written; the reservation, atomic in the
products service, is what prevents selling more than there is. A look that fails therefore never fails an order.
"""

import asyncio
import uuid
from typing import Any

import msgspec
from opentelemetry import trace

from services.orders.schemas import Item, Line
from stormglass.data.cache import Cache, OriginFailed
from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.service.client import Answer, CallFailed, ServiceClient
from stormglass.service.problems import Problem
from stormglass.telemetry import names

LOOK_SECONDS = 1.0
"""Longest wait for one look: it may cost an order time, but not much of it."""


class Reservation(msgspec.Struct, frozen=True):
    """What products holds for an order until `expires_at`."""

    id: uuid.UUID
    items: list[Line]

    @property
    def total_cents(self) -> int:
        """The order's price."""
        return sum(line.quantity * line.unit_price_cents for line in self.items)


class Stock:
    """The products service as orders sees it."""

    def __init__(self, client: ServiceClient, levels: Cache) -> None:
        self._client = client
        self._levels = levels

    async def look(self, items: list[Item]) -> None:
        """Refuse (409) what cannot be had; what cannot be looked at passes."""
        levels = await asyncio.gather(*(self._level(item) for item in items))
        short = [
            {"product_id": str(item.product_id), "requested": item.quantity, "available": level}
            for item, level in zip(items, levels, strict=True)
            if level is not None and level < item.quantity
        ]
        if short:
            raise Problem(409, "insufficient-stock", "there is not enough in stock", products=short)

    async def _level(self, item: Item) -> int | None:
        key = str(item.product_id)
        try:
            seen = await self._levels.get(key, lambda: self._load(key))
            if seen.result == "hit" and int(seen.value) < item.quantity:
                # nobody is refused because of what was true a moment ago
                await self._levels.forget(key)
                seen = await self._levels.get(key, lambda: self._load(key))
        except (DependencyUnavailable, TimeoutError):
            names.FALLBACKS.counter().labels("products", "no_stock_look").inc()
            trace.get_current_span().add_event("stock not looked at", {"product.id": key})
            return None
        return None if seen.result == "stale" else int(seen.value)

    async def _load(self, product_id: str) -> bytes:
        try:
            answer = await self._client.call(
                "products",
                "GET",
                "/products/{product_id}/availability",
                path={"product_id": product_id},
                limit_seconds=LOOK_SECONDS,
            )
        except CallFailed as error:
            raise OriginFailed(str(error)) from error
        if answer.status == 404:  # nothing of it, and cached as that
            return b"0"
        if answer.status != 200:
            raise OriginFailed(f"products answered {answer.status}")
        return str(answer.body["available"]).encode()

    async def reserve(self, order_id: uuid.UUID, items: list[Item]) -> Reservation:
        """Reserve everything or nothing; the same order finds its reservation again.

        Raises:
            Problem: products refuses: the order cannot be had as it is.
            CallFailed: it is not known whether anything was reserved.
        """
        answer = await self._client.call(
            "products",
            "POST",
            "/reservations",
            json={
                "order_id": str(order_id),
                "items": [{"product_id": str(item.product_id), "quantity": item.quantity} for item in items],
            },
        )
        if answer.status in {200, 201}:
            return msgspec.convert(answer.body, Reservation, strict=False)
        raise _refusal(answer)

    async def release(self, reservation_id: uuid.UUID) -> None:
        """Give a reservation back, if that can be done now; it expires by itself otherwise."""
        try:
            await self._client.call("products", "POST", "/reservations/{id}/release", path={"id": reservation_id})
        except (CallFailed, TimeoutError):
            names.FALLBACKS.counter().labels("products", "reservation_expiry").inc()
            trace.get_current_span().add_event("reservation left to expire", {"reservation.id": str(reservation_id)})


_STANDARD = frozenset({"type", "title", "status", "detail", "instance", "trace_id"})


def _refusal(answer: Answer) -> Exception:
    """What products says about the order goes to the client as it is; what it says about us is our failure."""
    if answer.status not in {404, 409, 422} or not isinstance(answer.body, dict):
        return CallFailed("products", f"POST /reservations answered {answer.status}", answer.status)
    body: dict[str, Any] = answer.body
    kind = str(body.get("type", "")).removeprefix("urn:stormglass:problem:")
    extra = {name: value for name, value in body.items() if name not in _STANDARD}
    return Problem(answer.status, kind, str(body.get("detail", "")), **extra)
