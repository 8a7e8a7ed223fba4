"""Routes about reservations and availability: for the platform's own processes only."""

import uuid
from collections import Counter

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from services.products.catalogue import Catalogue
from services.products.schemas import Availability, ReservationOut, Reserve, ReservedItem
from services.products.store import Outcome, Reservations
from stormglass.security.identity import Identity
from stormglass.service import Problem
from stormglass.service.answers import problem_answers
from stormglass.service.caller import CALLER, require_service
from stormglass.telemetry import names


@get("/products/{product_id:uuid}/availability", dependencies=CALLER, responses=problem_answers(401, 403, 404, 503))
async def availability(
    product_id: FromPath[uuid.UUID], caller: NamedDependency[Identity], catalogue: NamedDependency[Catalogue]
) -> Availability:
    """How many units of a product can be reserved right now, at which price."""
    require_service(caller)
    found = await catalogue.with_stock(product_id)
    if found is None:
        raise Problem(404, "no-such-product", f"there is no product {product_id}")
    product, stock = found
    return Availability(
        product_id=product.id,
        available=stock.available,
        price_cents=product.price_cents,
        name=product.name,
        sku=product.sku,
    )


@post(
    "/reservations",
    dependencies=CALLER,
    responses=problem_answers(
        400,
        401,
        403,
        415,
        503,
        s409="Not enough stock (`products` names it), or the order's reservation has other items",
    ),
)
async def reserve(
    data: JSONBody[Reserve], caller: NamedDependency[Identity], reservations: NamedDependency[Reservations]
) -> ReservationOut:
    """Set units aside for an order, all or nothing; the same order gets the same reservation while it counts."""
    require_service(caller)
    wanted: Counter[uuid.UUID] = Counter()
    for item in data.items:
        wanted[item.product_id] += item.quantity
    try:
        outcome = await reservations.reserve(data.order_id, wanted)
    except Problem:
        names.RESERVATIONS.counter().labels("refused").inc()
        raise
    return _answer(outcome, "reserved")


@post(
    "/reservations/{reservation_id:uuid}/confirm",
    status_code=200,
    dependencies=CALLER,
    responses=problem_answers(401, 403, 404, 503, s409="The reservation has expired or was released"),
)
async def confirm(
    reservation_id: FromPath[uuid.UUID], caller: NamedDependency[Identity], reservations: NamedDependency[Reservations]
) -> ReservationOut:
    """Sell what a reservation holds. Safe to repeat."""
    require_service(caller)
    return _answer(await reservations.confirm(reservation_id), "confirmed")


@post(
    "/reservations/{reservation_id:uuid}/release",
    status_code=200,
    dependencies=CALLER,
    responses=problem_answers(401, 403, 404, 503, s409="The reservation is confirmed"),
)
async def release(
    reservation_id: FromPath[uuid.UUID], caller: NamedDependency[Identity], reservations: NamedDependency[Reservations]
) -> ReservationOut:
    """Give back what a reservation holds. Safe to repeat."""
    require_service(caller)
    return _answer(await reservations.release(reservation_id), "released")


@post(
    "/reservations/{reservation_id:uuid}/return",
    status_code=200,
    dependencies=CALLER,
    responses=problem_answers(401, 403, 404, 503),
)
async def take_back(
    reservation_id: FromPath[uuid.UUID], caller: NamedDependency[Identity], reservations: NamedDependency[Reservations]
) -> ReservationOut:
    """Give back what a reservation holds or has sold: its order is cancelled. Safe to repeat."""
    require_service(caller)
    return _answer(await reservations.take_back(reservation_id), "released")


@get("/reservations/{reservation_id:uuid}", dependencies=CALLER, responses=problem_answers(401, 403, 404, 503))
async def reservation(
    reservation_id: FromPath[uuid.UUID], caller: NamedDependency[Identity], reservations: NamedDependency[Reservations]
) -> ReservationOut:
    """A reservation as it is."""
    require_service(caller)
    return _out(await reservations.get(reservation_id))


ROUTES = [availability, reserve, confirm, release, take_back, reservation]


def _answer(outcome: Outcome, what: str) -> ReservationOut:
    if outcome.changed:
        names.RESERVATIONS.counter().labels(what).inc()
    return _out(outcome)


def _out(outcome: Outcome) -> ReservationOut:
    known = outcome.reservation
    return ReservationOut(
        id=known.id,
        order_id=known.order_id,
        status=known.status,
        expires_at=known.expires_at,
        items=[
            ReservedItem(
                product_id=item.product_id,
                sku=item.sku,
                name=item.name,
                quantity=item.quantity,
                unit_price_cents=item.unit_price_cents,
            )
            for item in outcome.items
        ],
    )
