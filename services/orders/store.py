"""Queries on orders, and the three ways an order changes. Each is one conditional UPDATE: two cannot both win."""

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from services.orders.models import Order, Status
from stormglass.data.outbox import publish
from stormglass.service.problems import Problem


def _missing() -> Problem:
    return Problem(404, "unknown-order", "there is no such order")


async def insert(session: AsyncSession, order: Order) -> None:
    """Store a new order together with its event."""
    session.add(order)
    await publish(
        session,
        aggregate_id=str(order.id),
        kind="order.placed",
        payload={**_event(order), "total_cents": order.total_cents, "items": order.lines},
    )


def _event(order: Order) -> dict[str, Any]:
    # no mail address: whoever sends mail asks for it when it is needed, and the queue keeps none
    return {"order_id": str(order.id), "user_id": order.user_id, "reservation_id": str(order.reservation_id)}


async def find(session: AsyncSession, order_id: uuid.UUID, *, user_id: str | None = None) -> Order:
    """An order (of one user where given); 404 if there is none, or it is another's."""
    order = await session.get(Order, order_id)
    if order is None or (user_id is not None and order.user_id != user_id):
        raise _missing()
    return order


async def page(session: AsyncSession, user_id: str, *, after: uuid.UUID | None, limit: int) -> list[Order]:
    """Up to `limit` orders of a user, newest first, older than the order `after`."""
    query = select(Order).where(Order.user_id == user_id).order_by(col(Order.id).desc()).limit(limit)
    if after is not None:
        query = query.where(col(Order.id) < after)
    return list((await session.exec(query)).all())


async def cancel(session: AsyncSession, order_id: uuid.UUID, *, user_id: str) -> Order:
    """Cancel an order on its owner's wish, with an event; 409 unless it is pending."""
    await find(session, order_id, user_id=user_id)
    order = await _change(session, order_id, status=Status.CANCELLED, reason="customer")
    if order is None:
        raise Problem(409, "order-not-pending", "only a pending order can be cancelled")
    await publish(session, aggregate_id=str(order.id), kind="order.cancelled", payload=_event(order))
    return order


async def confirm(session: AsyncSession, order_id: uuid.UUID, reservation_id: uuid.UUID) -> tuple[Order, bool]:
    """Confirm an order; whether this call did it. 409 if it was cancelled. May be repeated."""
    order = await _change(session, order_id, status=Status.CONFIRMED, reservation_id=reservation_id)
    if order is not None:
        return order, True
    order = await find(session, order_id)
    if order.status == Status.CANCELLED:
        raise Problem(409, "order-cancelled", "the order was cancelled", reason=order.reason)
    return order, False


async def reject(session: AsyncSession, order_id: uuid.UUID, reason: str) -> tuple[Order, bool]:
    """Cancel an order that cannot be fulfilled; whether this call did it. 409 if it is confirmed. May be repeated."""
    order = await _change(session, order_id, status=Status.CANCELLED, reason=reason)
    if order is not None:
        return order, True
    order = await find(session, order_id)
    if order.status == Status.CONFIRMED:
        raise Problem(409, "order-confirmed", "the order is confirmed")
    return order, False


async def _change(session: AsyncSession, order_id: uuid.UUID, **values: Any) -> Order | None:
    statement = (
        update(Order)
        .where(col(Order.id) == order_id, col(Order.status) == Status.PENDING)
        .values(updated_at=datetime.now(UTC), **values)
        .returning(Order)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()
