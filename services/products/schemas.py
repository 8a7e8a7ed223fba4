"""Wire types of the products service; fields that are not listed are refused. Prices are whole cents of a euro."""

import uuid
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

_END = r"$(?!\n)"  # Python's `$` alone admits a line break after it

Sku = Annotated[str, Meta(pattern=rf"^[A-Z0-9][A-Z0-9-]{{0,39}}{_END}", examples=["BARO-ANEROID-150"])]
Name = Annotated[str, Meta(min_length=1, max_length=120, pattern=rf"^[^\x00-\x1f\x7f]+{_END}")]
Description = Annotated[str, Meta(max_length=2000, pattern=r"^[^\x00]*$")]
Cents = Annotated[int, Meta(ge=0, le=100_000_000)]
Units = Annotated[int, Meta(ge=0, le=1_000_000)]
Quantity = Annotated[int, Meta(ge=1, le=1_000_000)]


class ProductIn(Struct, forbid_unknown_fields=True):
    """A product to create or change. `stock` (units) counts only when it is created."""

    sku: Sku
    name: Name
    description: Description
    price_cents: Cents
    stock: Units


class ProductsIn(Struct, forbid_unknown_fields=True):
    """Products to create or change, by `sku`."""

    items: Annotated[list[ProductIn], Meta(min_length=1, max_length=200)]


class UpsertResult(Struct):
    """How many products were new and how many were known."""

    created: int
    updated: int


class ProductOut(Struct):
    """A product as a customer sees it."""

    id: uuid.UUID
    sku: str
    name: str
    description: str
    price_cents: int


class ProductPage(Struct):
    """One page of the catalogue, by name; `next` is what `after` takes for the page after it, null on the last."""

    items: list[ProductOut]
    next: str | None


class Restock(Struct, forbid_unknown_fields=True):
    """Units that were put in."""

    quantity: Quantity


class StockOut(Struct):
    """Where a product's units are: the first three add up to `initial`."""

    product_id: uuid.UUID
    available: int
    reserved: int
    sold: int
    initial: int


class Availability(Struct):
    """What an order needs to know about a product."""

    product_id: uuid.UUID
    available: int
    price_cents: int
    name: str
    sku: str


class ReserveItem(Struct, forbid_unknown_fields=True):
    """So many units of a product."""

    product_id: uuid.UUID
    quantity: Quantity


class Reserve(Struct, forbid_unknown_fields=True):
    """Units to set aside for an order; a product that is named twice counts with the sum."""

    order_id: uuid.UUID
    items: Annotated[list[ReserveItem], Meta(min_length=1, max_length=50)]


class ReservedItem(Struct):
    """Units that are set aside, with name and price at that moment."""

    product_id: uuid.UUID
    sku: str
    name: str
    quantity: int
    unit_price_cents: int


class ReservationOut(Struct):
    """A reservation; `status` is held, confirmed, released or expired."""

    id: uuid.UUID
    order_id: uuid.UUID
    status: str
    expires_at: datetime
    items: list[ReservedItem]
