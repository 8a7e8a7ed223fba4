"""What the worker asks of products and orders. Every call may be repeated; every answer that is not expected fails."""

from typing import Any

from stormglass.service.client import Answer, CallFailed, ServiceClient

OUT_OF_STOCK = "out-of-stock"
"""The reason that a rejected order carries."""


def _unexpected(server: str, what: str, answer: Answer) -> CallFailed:
    kind = answer.body.get("type", "") if isinstance(answer.body, dict) else ""
    return CallFailed(server, f"{what} answered {answer.status} {kind}".rstrip(), answer.status)


def _kind(answer: Answer) -> str:
    return str(answer.body.get("type", "")).rpartition(":")[2] if isinstance(answer.body, dict) else ""


class Fulfilment:
    """Stock and state of one order."""

    def __init__(self, services: ServiceClient, order_id: str) -> None:
        self._services = services
        self._order_id = order_id

    async def secure(self, reservation_id: str, items: list[dict[str, Any]]) -> str | None:
        """Turn the reservation into a sale, making a new one if it has expired; its id, None if stock is gone."""
        if await self._confirm_reservation(reservation_id):
            return reservation_id
        wanted = [{"product_id": item["product_id"], "quantity": item["quantity"]} for item in items]
        answer = await self._services.call(
            "products", "POST", "/reservations", json={"order_id": self._order_id, "items": wanted}
        )
        if answer.status == 409 and _kind(answer) == "insufficient-stock":
            return None
        if answer.status not in {200, 201}:
            raise _unexpected("products", "reserving again", answer)
        renewed = str(answer.body["id"])
        if not await self._confirm_reservation(renewed):
            raise CallFailed("products", "the new reservation expired before it was confirmed", 409)
        return renewed

    async def _confirm_reservation(self, reservation_id: str) -> bool:
        answer = await self._services.call(
            "products", "POST", "/reservations/{id}/confirm", path={"id": reservation_id}
        )
        if answer.status == 409 and _kind(answer) == "reservation-expired":
            return False
        if answer.status not in {200, 201, 204}:
            raise _unexpected("products", "confirming the reservation", answer)
        return True

    async def give_back(self, reservation_id: str) -> None:
        """Return what the order holds, or has bought while its customer cancelled it, to the shelf."""
        answer = await self._services.call("products", "POST", "/reservations/{id}/return", path={"id": reservation_id})
        if answer.status != 200:
            raise _unexpected("products", "giving the stock back", answer)

    async def confirm_order(self, reservation_id: str) -> bool:
        """Mark the order confirmed; False if it was cancelled before."""
        answer = await self._services.call(
            "orders",
            "POST",
            "/orders/{id}/confirm",
            path={"id": self._order_id},
            json={"reservation_id": reservation_id},
        )
        if answer.status == 409 and _kind(answer) == "order-cancelled":
            return False
        if answer.status != 200:
            raise _unexpected("orders", "confirming the order", answer)
        return True

    async def reject_order(self) -> bool:
        """Cancel the order for want of stock; False if its customer had cancelled it before."""
        answer = await self._services.call(
            "orders", "POST", "/orders/{id}/reject", path={"id": self._order_id}, json={"reason": OUT_OF_STOCK}
        )
        if answer.status != 200:
            raise _unexpected("orders", "rejecting the order", answer)
        return bool(answer.body["reason"] == OUT_OF_STOCK)
