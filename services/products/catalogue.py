"""Queries about what the shop sells."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Boolean, literal_column, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from services.products.cursor import Cursor
from services.products.models import Product, Stock
from services.products.schemas import ProductIn
from stormglass.data.database import Database


@dataclass(frozen=True, slots=True)
class Upserted:
    """Ids of the products that were new and of those that were known."""

    created: frozenset[uuid.UUID]
    updated: frozenset[uuid.UUID]


class Catalogue:
    """The products in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, search: str, after: Cursor | None, limit: int) -> Sequence[Product]:
        """Up to `limit` products whose name contains `search`, by (name, id), from behind `after`."""
        statement = select(Product).order_by(col(Product.name), col(Product.id)).limit(limit)
        if search:
            statement = statement.where(col(Product.name).icontains(search, autoescape=True))
        if after:
            statement = statement.where(tuple_(col(Product.name), col(Product.id)) > (after.name, after.id))
        async with self._database.session() as session:
            return (await session.exec(statement)).all()

    async def product(self, product_id: uuid.UUID) -> Product | None:
        """One product."""
        async with self._database.session() as session:
            return await session.get(Product, product_id)

    async def with_stock(self, product_id: uuid.UUID) -> tuple[Product, Stock] | None:
        """One product and where its units are."""
        statement = select(Product, Stock).where(col(Product.id) == product_id).join(Stock)
        async with self._database.session() as session:
            return (await session.exec(statement)).first()

    async def upsert(self, items: Sequence[ProductIn]) -> Upserted:
        """Create or change products by sku, all of them or none; the skus must differ."""
        rows = [
            Product(sku=item.sku, name=item.name, description=item.description, price_cents=item.price_cents)
            # in one order always, or two upserts of the same products could wait for each other
            for item in sorted(items, key=lambda item: item.sku)
        ]
        new = insert(Product).values([row.model_dump() for row in rows])
        statement = new.on_conflict_do_update(
            index_elements=[col(Product.sku)],
            set_={
                "name": new.excluded.name,
                "description": new.excluded.description,
                "price_cents": new.excluded.price_cents,
                "updated_at": datetime.now(UTC),
            },
        ).returning(col(Product.id), col(Product.sku), literal_column("old.id IS NULL", Boolean))
        units = {item.sku: item.stock for item in items}
        async with self._database.transaction() as session:
            done = (await session.exec(statement)).all()
            created = {product_id: units[sku] for product_id, sku, is_new in done if is_new}
            session.add_all(Stock(product_id=key, available=count, initial=count) for key, count in created.items())
        updated = frozenset(product_id for product_id, _, is_new in done if not is_new)
        return Upserted(frozenset(created), updated)
