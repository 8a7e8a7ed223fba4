import pytest

from services.gateway.compose.call import PartFailed, segment
from services.gateway.compose.plan import Composition, Part
from services.gateway.routes import ORDER_DETAILS
from services.gateway.whole import Whole

PRODUCTS = ORDER_DETAILS.parts[1]


@pytest.mark.parametrize(
    ("order", "values"),
    [
        ({"items": [{"product_id": "b"}, {"product_id": "a"}, {"product_id": "b"}]}, ["b", "a"]),
        ({"items": []}, []),
        ({}, []),
        (None, []),
    ],
)
def test_distinct_values_in_their_order(order: object, values: list[str]) -> None:
    assert PRODUCTS.source == "order"
    assert PRODUCTS.values(order) == values


def test_a_composition_says_what_it_is() -> None:
    assert str(ORDER_DETAILS) == "order + (products) + (profile)"
    assert ORDER_DETAILS.faults == []
    assert Composition((Part("a", "users", "/users/me"),)).faults == ["a composition without a required part"]


def test_a_value_stays_within_its_segment() -> None:
    assert segment("../a?b#c/d") == "..%2Fa%3Fb%23c%2Fd"


@pytest.mark.parametrize(
    ("status", "kind", "absent"),
    [(404, b"application/problem+json", True), (404, b"text/plain", False), (403, b"application/problem+json", False)],
)
def test_only_the_service_itself_can_say_that_there_is_no_such_thing(status: int, kind: bytes, absent: bool) -> None:
    assert PartFailed("x", Whole(status, [(b"content-type", kind)], b"")).absent is absent
    assert not PartFailed("x").absent
