"""What the databases say, read past the services: the last word on whether anything was lost."""

import asyncio
from typing import Any

import asyncpg

from stormglass.testing import Platform


def query(platform: Platform, database: str, statement: str) -> list[dict[str, Any]]:
    """Rows of a statement, run as the role that owns the database."""

    async def ask() -> list[dict[str, Any]]:
        host, _, port = platform.address("postgres").rpartition(":")
        connection = await asyncpg.connect(
            host=host,
            port=int(port),
            user=database,
            database=database,
            password=platform.secret(database, "database_password"),
            timeout=10,
        )
        try:
            return [dict(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def stock_is_conserved(platform: Platform) -> None:
    """available + reserved + sold = initial, for every product; and what is sold is what was ordered."""
    wrong = query(
        platform, "products", "SELECT * FROM stock WHERE available + reserved + sold <> initial OR available < 0"
    )
    assert wrong == []


def sold(platform: Platform, product_ids: list[str]) -> int:
    """Units of these products that the products service counts as sold."""
    chosen = ", ".join(f"'{product_id}'" for product_id in product_ids)
    statement = f"SELECT coalesce(sum(sold), 0) AS n FROM stock WHERE product_id IN ({chosen})"
    return int(query(platform, "products", statement)[0]["n"])


def units_in_confirmed_orders(platform: Platform, product_ids: list[str]) -> int:
    """Units of these products in orders that the orders service counts as confirmed."""
    chosen = ", ".join(f"'{product_id}'" for product_id in product_ids)
    statement = f"""
        SELECT coalesce(sum((line->>'quantity')::int), 0) AS n
        FROM orders, jsonb_array_elements(lines) AS line
        WHERE status = 'confirmed' AND line->>'product_id' IN ({chosen})
    """
    return int(query(platform, "orders", statement)[0]["n"])
