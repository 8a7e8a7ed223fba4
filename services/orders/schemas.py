"""What clients send and get. Unknown members are refused; money is in cents (EUR); times are UTC."""

import uuid
from datetime import datetime
from typing import Annotated, Any

import msgspec

from services.orders.models import Order

Quantity = Annotated[int, msgspec.Meta(ge=1, le=100)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[a-z-]+$")]


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many of which product."""

    product_id: uuid.UUID
    quantity: Quantity


class PlaceOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is ordered: each product at most once."""

    items: Annotated[list[Item], msgspec.Meta(min_length=1, max_length=50)]

    def __post_init__(self) -> None:
        if len({item.product_id for item in self.items}) != len(self.items):
            raise ValueError("each product may be listed once: add the quantities up")


class ConfirmOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The reservation that was confirmed; not the first one if that had expired."""

    reservation_id: uuid.UUID


class RejectOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the platform cancels an order, as a word."""

    reason: Reason


class Line(msgspec.Struct, frozen=True):
    """One product of an order at the price it was ordered for."""

    product_id: uuid.UUID
    sku: str
    name: str
    quantity: int
    unit_price_cents: int


class OrderView(msgspec.Struct, frozen=True):
    """An order. `reason` is set when it was cancelled."""

    id: uuid.UUID
    user_id: str
    status: str
    reason: str | None
    reservation_id: uuid.UUID
    items: list[Line]
    total_cents: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, order: Order) -> "OrderView":
        """The view of a stored order."""
        fields: dict[str, Any] = {name: getattr(order, name) for name in cls.__struct_fields__ if name != "items"}
        return cls(items=msgspec.convert(order.lines, list[Line]), **fields)


class OrderPage(msgspec.Struct, frozen=True):
    """Orders, newest first; `next` is the value of `after` for the following page, null on the last one."""

    items: list[OrderView]
    next: uuid.UUID | None
