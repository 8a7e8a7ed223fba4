"""Reservations: reserve, confirm, release, expire; each is one transaction.

Locks are taken in one order: first the reservation's row (inserting it counts), then stock by product id. Nobody who
holds stock waits for a reservation, so no two of these transactions wait for each other. Whoever gets the reservation's
lock decides what becomes of it; whoever comes second finds it decided.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, func, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from services.products import stock
from services.products.models import Reservation, ReservationItem, Status
from services.products.refusals import no_reservation, require_same, require_units, sold_already, too_late
from services.products.stock import Move
from stormglass.data.database import Database

_COUNTING = "status IN ('held', 'confirmed')"
"""The condition of the index that gives an order one reservation at most."""

SWEEP_ROWS = 100
"""Reservations that one transaction expires: its locks on stock are held for some milliseconds only."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A reservation as it is now, its items, and whether this call changed it."""

    reservation: Reservation
    items: Sequence[ReservationItem]
    changed: bool = False


class Reservations:
    """The reservations in the database; `hold_seconds` is how long a new one lasts. Refusals are `Problem`s."""

    def __init__(self, database: Database, hold_seconds: float) -> None:
        self._database = database
        self._hold = timedelta(seconds=hold_seconds)

    async def reserve(self, order_id: uuid.UUID, wanted: Mapping[uuid.UUID, int]) -> Outcome:
        """Set units aside for an order, all or nothing; the reservation that the order has, if it still counts."""
        while True:
            async with self._database.transaction() as session:
                mine = await self._insert(session, order_id)
                if mine is not None:
                    return Outcome(mine, await _take(session, mine, wanted), changed=True)
                (known, overdue) = await _locked(session, _is_counting(order_id)) or (None, False)
                if known is not None and not overdue:
                    items = await _items(session, [known.id])
                    require_same(wanted, _sum(items))
                    return Outcome(known, items)
            # it has ended between the two statements, or ought to have: then there is a place for a new one
            await self.expire(order_id=order_id)

    async def confirm(self, reservation_id: uuid.UUID) -> Outcome:
        """Held → confirmed: its units are sold."""
        async with self._database.transaction() as session:
            known, overdue = await _required(session, reservation_id)
            items = await _items(session, [known.id])
            if known.status == Status.CONFIRMED:
                return Outcome(known, items)
            if known.status != Status.HELD or overdue:
                raise too_late(known)
            await _end(session, [known], Status.CONFIRMED, items, Move.SELL)
            return Outcome(known, items, changed=True)

    async def release(self, reservation_id: uuid.UUID) -> Outcome:
        """Held → released: its units are available again. One that is over already stays as it is."""
        return await self._give_back(reservation_id, sold=False)

    async def take_back(self, reservation_id: uuid.UUID) -> Outcome:
        """Held or confirmed → released: for an order that was cancelled while its units were being sold."""
        return await self._give_back(reservation_id, sold=True)

    async def _give_back(self, reservation_id: uuid.UUID, *, sold: bool) -> Outcome:
        async with self._database.transaction() as session:
            known, _ = await _required(session, reservation_id)
            items = await _items(session, [known.id])
            if known.status == Status.CONFIRMED and not sold:
                raise sold_already(known)
            if known.status not in {Status.HELD, Status.CONFIRMED}:
                return Outcome(known, items)
            how = Move.RETURN if known.status == Status.HELD else Move.UNSELL
            await _end(session, [known], Status.RELEASED, items, how)
            return Outcome(known, items, changed=True)

    async def get(self, reservation_id: uuid.UUID) -> Outcome:
        """A reservation as it is."""
        async with self._database.session() as session:
            known = await session.get(Reservation, reservation_id)
            if known is None:
                raise no_reservation(reservation_id)
            return Outcome(known, await _items(session, [known.id]))

    async def expire(self, order_id: uuid.UUID | None = None) -> list[Reservation]:
        """Held → expired for what is overdue, at most `SWEEP_ROWS` of it, or for the reservation of one order.

        Several replicas sweep at the same time without waiting for each other, or for somebody who is confirming.
        """
        statement = (
            select(Reservation)
            .where(col(Reservation.status) == Status.HELD, _overdue())
            .order_by(col(Reservation.expires_at))
            .limit(SWEEP_ROWS)
            .with_for_update(skip_locked=order_id is None)
        )
        if order_id is not None:
            statement = statement.where(col(Reservation.order_id) == order_id)
        async with self._database.transaction() as session:
            ended = list((await session.exec(statement)).all())
            if ended:
                items = await _items(session, [each.id for each in ended])
                await _end(session, ended, Status.EXPIRED, items, Move.RETURN)
            return ended

    async def _insert(self, session: AsyncSession, order_id: uuid.UUID) -> Reservation | None:
        """A new reservation without items; None if the order has one that counts. Waits for whoever is making one."""
        statement = (
            insert(Reservation)
            .values(
                id=uuid.uuid4(),
                order_id=order_id,
                status=Status.HELD,
                created_at=func.clock_timestamp(),
                expires_at=func.clock_timestamp() + self._hold,
            )
            .on_conflict_do_nothing(index_elements=["order_id"], index_where=text(_COUNTING))
            .returning(Reservation)
        )
        return (await session.exec(statement)).scalar_one_or_none()


def _is_counting(order_id: uuid.UUID) -> ColumnElement[bool]:
    return (col(Reservation.order_id) == order_id) & text(_COUNTING)


def _overdue() -> ColumnElement[bool]:
    """By the database's clock, so that the replicas' need not agree."""
    return col(Reservation.expires_at) <= func.clock_timestamp()


async def _locked(session: AsyncSession, which: ColumnElement[bool]) -> tuple[Reservation, bool] | None:
    """The reservation `which` holds for, locked, and whether it is held for longer than it may."""
    overdue = _overdue() & (col(Reservation.status) == Status.HELD)
    found = await session.exec(select(Reservation, overdue).where(which).with_for_update())
    return found.first()


async def _required(session: AsyncSession, reservation_id: uuid.UUID) -> tuple[Reservation, bool]:
    found = await _locked(session, col(Reservation.id) == reservation_id)
    if found is None:
        raise no_reservation(reservation_id)
    return found


async def _items(session: AsyncSession, reservation_ids: Iterable[uuid.UUID]) -> Sequence[ReservationItem]:
    statement = (
        select(ReservationItem)
        .where(col(ReservationItem.reservation_id).in_(list(reservation_ids)))
        .order_by(col(ReservationItem.product_id))
    )
    return (await session.exec(statement)).all()


def _sum(items: Iterable[ReservationItem]) -> Counter[uuid.UUID]:
    """Units by product."""
    total: Counter[uuid.UUID] = Counter()
    for item in items:
        total[item.product_id] += item.quantity
    return total


async def _take(
    session: AsyncSession, reservation: Reservation, wanted: Mapping[uuid.UUID, int]
) -> Sequence[ReservationItem]:
    """Available → reserved, and the record of it."""
    there = await stock.lock(session, wanted)
    require_units(wanted, there)
    await stock.move(session, wanted, Move.RESERVE)
    items = [
        ReservationItem(
            reservation_id=reservation.id,
            product_id=product.id,
            sku=product.sku,
            name=product.name,
            quantity=wanted[product.id],
            unit_price_cents=product.price_cents,
        )
        for product, _ in there.values()
    ]
    session.add_all(items)
    return items


async def _end(
    session: AsyncSession, ending: Sequence[Reservation], status: Status, items: Iterable[ReservationItem], how: Move
) -> None:
    """Give locked, held reservations their last status, and their units the place that goes with it."""
    quantities = _sum(items)
    await stock.lock(session, quantities)
    await stock.move(session, quantities, how)
    await session.exec(
        update(Reservation)
        .where(col(Reservation.id).in_([each.id for each in ending]))
        .values(status=status)
        .execution_options(synchronize_session=False)
    )
    for each in ending:
        await session.refresh(each)
