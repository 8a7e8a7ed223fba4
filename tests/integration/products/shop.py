"""Goods for one test, put straight into the real database, and what the database says about them."""

import uuid
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from services.products.catalogue import Catalogue
from services.products.schemas import ProductIn
from stormglass.data.database import Database
from stormglass.testing import Platform

COUNT = text(
    """
    SELECT s.product_id, s.available, s.reserved, s.sold, s.initial,
           coalesce(sum(i.quantity) FILTER (WHERE r.status = 'held'), 0) AS held,
           coalesce(sum(i.quantity) FILTER (WHERE r.status = 'confirmed'), 0) AS confirmed
    FROM stock s
    LEFT JOIN reservation_item i USING (product_id)
    LEFT JOIN reservation r ON r.id = i.reservation_id
    WHERE s.product_id = ANY (:products)
    GROUP BY s.product_id
    """
)


@dataclass(frozen=True)
class Units:
    available: int
    reserved: int
    sold: int


def pool(platform: Platform, size: int = 8, service: str = "products") -> Database:
    """One pool of connections, as one replica has it."""
    host, _, port = platform.address("postgres").rpartition(":")
    password = platform.secret(service, "database_password")
    engine = create_async_engine(
        f"postgresql+asyncpg://{service}:{password}@{host}:{port}/{service}",
        poolclass=AsyncAdaptedQueuePool,
        pool_size=size,
        max_overflow=0,
        # a deadlock or a lock that is never given up must fail the test, not hang it
        connect_args={"server_settings": {"statement_timeout": "20000"}},
    )
    return Database(engine)


async def stock_up(database: Database, *units: int) -> list[uuid.UUID]:
    """New products with so many units each."""
    tag = uuid.uuid4().hex[:12].upper()
    items = [
        ProductIn(sku=f"T-{tag}-{number}", name=f"Test {tag} {number:02}", description="", price_cents=100, stock=count)
        for number, count in enumerate(units)
    ]
    await Catalogue(database).upsert(items)
    query = text("SELECT id FROM product WHERE sku LIKE :tag ORDER BY name")
    async with database.engine.connect() as connection:
        return [row.id for row in await connection.execute(query, {"tag": f"T-{tag}-%"})]


async def counted(database: Database, products: list[uuid.UUID]) -> dict[uuid.UUID, Units]:
    """Where the units are, all as of one moment; the books and the reservations must tell the same."""
    async with database.engine.connect() as connection:
        rows = (await connection.execute(COUNT, {"products": products})).all()
    assert len(rows) == len(products)
    for row in rows:
        assert min(row.available, row.reserved, row.sold) >= 0
        assert row.available + row.reserved + row.sold == row.initial
        assert row.reserved == row.held, "units are set aside that no held reservation accounts for"
        assert row.sold == row.confirmed, "units are sold that no confirmed reservation accounts for"
    return {row.product_id: Units(row.available, row.reserved, row.sold) for row in rows}


async def make_due(database: Database, order: uuid.UUID, seconds: float = -1.0) -> None:
    """As if what this order holds were to be kept for so much longer; it is overdue where that is negative."""
    statement = text(
        "UPDATE reservation SET expires_at = clock_timestamp() + make_interval(secs => :seconds)"
        " WHERE status = 'held' AND order_id = :order"
    )
    async with database.engine.begin() as connection:
        await connection.execute(statement, {"seconds": seconds, "order": order})
