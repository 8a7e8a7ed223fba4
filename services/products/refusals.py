"""Why a reservation is refused, as answers."""

import uuid
from collections.abc import Mapping

from services.products.models import Product, Reservation, Stock
from stormglass.service import Problem


def require_units(wanted: Mapping[uuid.UUID, int], there: Mapping[uuid.UUID, tuple[Product, Stock]]) -> None:
    """409 that names every product of which `there` holds fewer units than `wanted`; an unknown one has none."""
    short = [
        {"product_id": str(product_id), "requested": quantity, "available": available, "name": name}
        for product_id, quantity in sorted(wanted.items())
        for available, name in [_available(there.get(product_id))]
        if available < quantity
    ]
    if short:
        named = ", ".join(f"{item['name'] or item['product_id']} ({item['available']} left)" for item in short)
        raise Problem(409, "insufficient-stock", f"there is not enough of: {named}", products=short)


def _available(row: tuple[Product, Stock] | None) -> tuple[int, str]:
    return (0, "") if row is None else (row[1].available, row[0].name)


def require_same(wanted: Mapping[uuid.UUID, int], held: Mapping[uuid.UUID, int]) -> None:
    """409 if an order that has a reservation asks for something else."""
    if dict(wanted) != dict(held):
        raise Problem(409, "reservation-differs", "this order has a reservation already, for something else")


def no_reservation(reservation_id: uuid.UUID) -> Problem:
    """404."""
    return Problem(404, "no-such-reservation", f"there is no reservation {reservation_id}")


def too_late(reservation: Reservation) -> Problem:
    """409: what was set aside is, or is about to be, available to others again."""
    detail = (
        f"the reservation is no longer held (it was {reservation.status}, to be kept until {reservation.expires_at})"
    )
    return Problem(409, "reservation-expired", detail, order_id=str(reservation.order_id))


def sold_already(reservation: Reservation) -> Problem:
    """409."""
    detail = "the reservation is confirmed: its units are sold"
    return Problem(409, "reservation-confirmed", detail, order_id=str(reservation.order_id))
