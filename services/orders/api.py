"""Routes. Users place, read and cancel their own orders; the platform's own processes confirm and reject."""

import uuid
from typing import Annotated

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter

from services.orders import store
from services.orders.models import Order
from services.orders.place import Placement
from services.orders.schemas import ConfirmOrder, OrderPage, OrderView, PlaceOrder, RejectOrder
from stormglass.data.database import Database
from stormglass.security.identity import Identity
from stormglass.service.answers import json_answer, problem_answers
from stormglass.service.caller import CALLER, require_scope, require_service
from stormglass.service.problems import CONTENT_TYPE
from stormglass.telemetry import names
from stormglass.telemetry.carrier import exemplar

IdempotencyKey = Annotated[
    str, HeaderParameter(name="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")
]
OrderId = FromPath[uuid.UUID]


@post(
    "/orders",
    responses={201: json_answer(OrderView), **problem_answers(400, 401, 403, 404, 409, 415, 422, 503)},
)
async def place_order(
    caller: NamedDependency[Identity],
    placement: NamedDependency[Placement],
    data: JSONBody[PlaceOrder],
    idempotency_key: IdempotencyKey,
) -> Response[bytes]:
    """Place an order. Repeated with the same `Idempotency-Key` it gets the same answer, and there is one order."""
    require_scope(caller, "orders:write")
    answer, replayed = await placement.place(caller.subject, idempotency_key, data)
    return Response(
        answer.body,
        status_code=answer.status,
        media_type="application/json" if answer.status < 400 else CONTENT_TYPE,
        headers={"Idempotency-Replayed": "true"} if replayed else {},
    )


@get("/orders", responses=problem_answers(400, 401, 403))
async def list_orders(
    caller: NamedDependency[Identity],
    database: NamedDependency[Database],
    after: FromQuery[uuid.UUID | None] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
) -> OrderPage:
    """The caller's orders, newest first."""
    require_scope(caller, "orders:read")
    async with database.session() as session:
        found = await store.page(session, caller.subject, after=after, limit=limit + 1)
    shown = [OrderView.of(order) for order in found[:limit]]
    return OrderPage(items=shown, next=shown[-1].id if len(found) > limit else None)


@get("/orders/{order_id:uuid}", responses=problem_answers(401, 403, 404))
async def show_order(
    caller: NamedDependency[Identity], database: NamedDependency[Database], order_id: OrderId
) -> OrderView:
    """One of the caller's orders; another's does not exist for them."""
    if not caller.is_service:
        require_scope(caller, "orders:read")
    async with database.session() as session:
        return OrderView.of(await store.find(session, order_id, user_id=None if caller.is_service else caller.subject))


@post("/orders/{order_id:uuid}/cancel", status_code=200, responses=problem_answers(401, 403, 404, 409))
async def cancel_order(
    caller: NamedDependency[Identity], database: NamedDependency[Database], order_id: OrderId
) -> OrderView:
    """Cancel a pending order."""
    require_scope(caller, "orders:write")
    async with database.transaction() as session:
        order = await store.cancel(session, order_id, user_id=caller.subject)
    _settled(order)
    return OrderView.of(order)


@post("/orders/{order_id:uuid}/confirm", status_code=200, responses=problem_answers(400, 401, 403, 404, 409, 415))
async def confirm_order(
    caller: NamedDependency[Identity],
    database: NamedDependency[Database],
    order_id: OrderId,
    data: JSONBody[ConfirmOrder],
) -> OrderView:
    """Confirm an order whose stock is sold (platform only, may be repeated)."""
    require_service(caller)
    async with database.transaction() as session:
        order, changed = await store.confirm(session, order_id, data.reservation_id)
    if changed:
        _settled(order)
    return OrderView.of(order)


@post("/orders/{order_id:uuid}/reject", status_code=200, responses=problem_answers(400, 401, 403, 404, 409, 415))
async def reject_order(
    caller: NamedDependency[Identity],
    database: NamedDependency[Database],
    order_id: OrderId,
    data: JSONBody[RejectOrder],
) -> OrderView:
    """Cancel an order that cannot be fulfilled (platform only, may be repeated)."""
    require_service(caller)
    async with database.transaction() as session:
        order, changed = await store.reject(session, order_id, data.reason)
    if changed:
        _settled(order)
    return OrderView.of(order)


ROUTES = Router(
    path="/",
    route_handlers=[place_order, list_orders, show_order, cancel_order, confirm_order, reject_order],
    dependencies=CALLER,
)


def _settled(order: Order) -> None:
    """Count an order whose status has just become final, and how long that took; its value too."""
    names.ORDERS.counter().labels(order.status).inc()
    names.ORDER_VALUE.counter().labels(order.status).inc(order.total_cents)
    age = (order.updated_at - order.created_at).total_seconds()
    names.ORDER_SETTLEMENT.histogram().labels(order.status).observe(age, exemplar())
