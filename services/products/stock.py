"""Units of stock on their way between available, reserved and sold.

Everything here happens in a transaction of the caller's. Rows are locked in the order of their product's id before any
of them changes, so that two transactions over the same products never wait for each other.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from sqlalchemy import Integer, Uuid, column, values
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from services.products.models import Product, Stock

Quantities = Mapping[uuid.UUID, int]


class Move(Enum):
    """From where to where units go."""

    RESERVE = (Stock.available, Stock.reserved)
    SELL = (Stock.reserved, Stock.sold)
    RETURN = (Stock.reserved, Stock.available)
    UNSELL = (Stock.sold, Stock.available)


async def lock(session: AsyncSession, product_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, tuple[Product, Stock]]:
    """The stock of these products (those that exist), locked until the transaction ends, with the products."""
    statement = (
        select(Product, Stock)
        .join(Stock)
        .where(col(Stock.product_id).in_(list(product_ids)))
        .order_by(col(Stock.product_id))
        .with_for_update(of=Stock)
        .execution_options(populate_existing=True)
    )
    rows: Sequence[tuple[Product, Stock]] = (await session.exec(statement)).all()
    return {stock.product_id: (product, stock) for product, stock in rows}


async def move(session: AsyncSession, quantities: Quantities, how: Move) -> None:
    """Move units of products whose stock `lock()` holds; the table's constraints refuse what is not there."""
    if not quantities:
        return
    source, target = (col(field) for field in how.value)
    wanted = values(column("product_id", Uuid), column("quantity", Integer), name="wanted").data(
        sorted(quantities.items())
    )
    changes: dict[Any, Any] = {source: source - wanted.c.quantity, target: target + wanted.c.quantity}
    await session.exec(
        update(Stock)
        .where(col(Stock.product_id) == wanted.c.product_id)
        .values(changes)
        .execution_options(synchronize_session=False)
    )


async def add(session: AsyncSession, product_id: uuid.UUID, units: int) -> Stock | None:
    """Put new units in; the stock as it is then, None if there is no such product."""
    statement = (
        update(Stock)
        .where(col(Stock.product_id) == product_id)
        .values(available=col(Stock.available) + units, initial=col(Stock.initial) + units)
        .returning(Stock)
    )
    return (await session.exec(statement)).scalar_one_or_none()
