import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.products.models import Product, Stock
from services.products.refusals import require_same, require_units
from stormglass.service import Problem

GOODS = [
    Product(id=uuid.UUID(int=number), sku=f"S-{number}", name=f"Lens {number}", description="", price_cents=1)
    for number in range(1, 6)
]


@given(st.dictionaries(st.sampled_from(GOODS).map(lambda each: each.id), st.integers(1, 5), min_size=1), st.data())
def test_it_names_exactly_what_is_short(wanted: dict[uuid.UUID, int], data: st.DataObject) -> None:
    there = {
        each.id: (each, Stock(product_id=each.id, available=units, initial=units))
        for each in GOODS
        if (units := data.draw(st.integers(-1, 5))) >= 0  # -1: there is no such product
    }
    short = {key for key, count in wanted.items() if key not in there or there[key][1].available < count}
    if not short:
        require_units(wanted, there)
        return
    with pytest.raises(Problem) as caught:
        require_units(wanted, there)
    assert (caught.value.status, caught.value.kind) == (409, "insufficient-stock")
    assert {uuid.UUID(each["product_id"]) for each in caught.value.extra["products"]} == short


def test_another_basket_for_the_same_order_is_refused() -> None:
    require_same({GOODS[0].id: 2}, {GOODS[0].id: 2})
    with pytest.raises(Problem, match="something else"):
        require_same({GOODS[0].id: 2}, {GOODS[0].id: 3})
