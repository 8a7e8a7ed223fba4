import json
import uuid

import pytest

from services.gateway.shapes.money import money
from services.gateway.shapes.shape import LONGEST_BYTES
from services.gateway.shapes.table import SHAPES
from services.gateway.whole import Whole
from stormglass.service import Problem

JSON = (b"content-type", b"application/json")
PRODUCT = {"id": str(uuid.uuid4()), "sku": "BARO", "name": "Barometer", "description": "x", "price_cents": 1999}


def answer(value: object, *headers: tuple[bytes, bytes]) -> Whole:
    return Whole(200, [*(headers or (JSON,))], json.dumps(value).encode())


@pytest.mark.parametrize(
    ("cents", "amount"), [(1999, "19.99"), (5, "0.05"), (0, "0.00"), (100_000_000, "1000000.00"), (-150, "-1.50")]
)
def test_cents_become_an_amount_without_a_float_in_between(cents: int, amount: str) -> None:
    assert money(cents) == {"amount": amount, "currency": "EUR"}


def test_a_product() -> None:
    shaped = SHAPES["product-v2"](answer(PRODUCT))
    expected = {name: value for name, value in PRODUCT.items() if name != "price_cents"}
    assert json.loads(shaped.body) == expected | {"price": {"amount": "19.99", "currency": "EUR"}}


def test_a_page() -> None:
    page = {"items": [PRODUCT, PRODUCT | {"price_cents": 7}], "next": None}
    mapped = json.loads(SHAPES["product-page-v2"](answer(page)).body)
    assert [item["price"]["amount"] for item in mapped["items"]] == ["19.99", "0.07"]
    assert mapped["next"] is None
    assert json.loads(SHAPES["product-page-v2"](answer({"items": [], "next": "x"})).body) == {"items": [], "next": "x"}


@pytest.mark.parametrize("tag", [b'"abc"', b'W/"abc"'])
def test_the_tag_is_weak_and_of_this_shape(tag: bytes) -> None:
    whole = answer(PRODUCT, JSON, (b"etag", tag), (b"accept-ranges", b"bytes"), (b"age", b"3"))
    assert SHAPES["product-v2"](whole).headers == [JSON, (b"age", b"3"), (b"etag", b'W/"abc;product-v2"')]


@pytest.mark.parametrize("status", [304, 404, 503])
def test_what_is_no_success_stays_as_it_is(status: int) -> None:
    whole = Whole(status, [(b"content-type", b"application/problem+json")], b"{}")
    assert SHAPES["product-v2"](whole) is whole


@pytest.mark.parametrize(
    "whole",
    [
        answer(PRODUCT | {"price_cents": "much"}),
        answer({name: value for name, value in PRODUCT.items() if name != "price_cents"}),
        answer({name: value for name, value in PRODUCT.items() if name != "sku"}),
        answer([]),
        answer(PRODUCT, (b"content-type", b"text/html")),
        Whole(200, [JSON], b"{"),
        Whole(200, [JSON], b'"' + b"x" * LONGEST_BYTES + b'"'),
    ],
)
def test_what_cannot_be_mapped_is_the_service_s_fault(whole: Whole) -> None:
    with pytest.raises(Problem) as caught:
        SHAPES["product-v2"](whole)
    assert (caught.value.status, caught.value.kind) == (502, "unmappable-answer")
