import uuid
from typing import Any

import msgspec
import pytest

from services.orders.models import Order
from services.orders.schemas import Line, OrderView, PlaceOrder
from services.orders.stock import Reservation


def _wanted(*items: dict[str, Any]) -> PlaceOrder:
    return msgspec.json.decode(msgspec.json.encode({"items": items}), type=PlaceOrder)


def test_a_product_may_be_listed_once() -> None:
    one = {"product_id": str(uuid.uuid4()), "quantity": 1}
    assert len(_wanted(one).items) == 1
    with pytest.raises(msgspec.ValidationError, match="once"):
        _wanted(one, one)


@pytest.mark.parametrize("quantity", [0, -1, 101, 1.5, "1", None])
def test_quantities_out_of_bounds(quantity: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        _wanted({"product_id": str(uuid.uuid4()), "quantity": quantity})


@pytest.mark.parametrize("count", [0, 51])
def test_number_of_items_out_of_bounds(count: int) -> None:
    with pytest.raises(msgspec.ValidationError):
        _wanted(*({"product_id": str(uuid.uuid4()), "quantity": 1} for _ in range(count)))


def test_a_view_shows_the_lines_as_they_were_stored() -> None:
    line = Line(uuid.uuid4(), "SKU-1", "barometer", 3, 1250)
    order = Order(
        id=uuid.uuid4(),
        user_id="ada",
        reservation_id=uuid.uuid4(),
        lines=msgspec.to_builtins([line]),
        total_cents=3750,
    )
    view = OrderView.of(order)
    assert view.items == [line]
    assert (view.status, view.reason, view.total_cents) == ("pending", None, 3750)
    assert msgspec.json.decode(msgspec.json.encode(view), type=OrderView) == view


def test_the_total_is_the_sum_of_the_lines() -> None:
    lines = [Line(uuid.uuid4(), "A", "a", 3, 1250), Line(uuid.uuid4(), "B", "b", 1, 1)]
    assert Reservation(uuid.uuid4(), lines).total_cents == 3751
