"""The shapes that routes name."""

from typing import Annotated

from msgspec import Meta, Struct

from services.gateway.shapes.shape import Shape


class Money(Struct):
    """An amount of money; `amount` is a decimal number with two places."""

    amount: Annotated[str, Meta(pattern=r"^-?[0-9]+\.[0-9]{2}$", examples=["19.99"])]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["EUR"])]


class ProductV2(Struct):
    """A product as a customer sees it."""

    id: str
    sku: str
    name: str
    description: str
    price: Money


class ProductPageV2(Struct):
    """One page of the catalogue, by name; `next` is what `after` takes for the page after it, null on the last."""

    items: list[ProductV2]
    next: str | None


_PRODUCT = "{id: id, sku: sku, name: name, description: description, price: money(price_cents)}"

SHAPES = {
    shape.name: shape
    for shape in (
        Shape("product-v2", _PRODUCT, ProductV2),
        Shape("product-page-v2", f"{{items: items[].{_PRODUCT}, next: next}}", ProductPageV2),
    )
}
"""By name."""
