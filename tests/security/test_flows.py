"""Business flows bent out of shape: buying what is not there, at another price, twice, or and then not."""

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from stormglass.testing import eventually
from tests.security.goods import stocked
from tests.security.people import Person, problem

pytestmark = pytest.mark.owasp("API6")

UNITS = 5


def _buy(
    person: Person, product_id: str, quantity: int = 1, *, key: str = "", more: dict[str, Any] | None = None
) -> httpx.Response:
    body = {"items": [{"product_id": product_id, "quantity": quantity, **(more or {})}]}
    return person.call("POST", "/orders", body, headers={"Idempotency-Key": key or uuid.uuid4().hex})


def test_nobody_buys_more_than_there_is(admin: Person, customer: Person, stranger: Person) -> None:
    product = stocked(admin, UNITS)
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda number: _buy((customer, stranger)[number % 2], product), range(24)))
    outcomes = Counter(answer.status_code for answer in answers)
    assert outcomes == {201: UNITS, 409: 24 - UNITS}
    assert {problem(answer) for answer in answers if answer.status_code == 409} == {"insufficient-stock"}


def test_one_order_takes_all_or_nothing(admin: Person, customer: Person) -> None:
    product = stocked(admin, UNITS)
    assert _buy(customer, product, UNITS + 1).status_code == 409
    assert _buy(customer, product, UNITS).status_code == 201


def test_splitting_one_product_over_two_lines_does_not_get_around_the_stock(admin: Person, customer: Person) -> None:
    product = stocked(admin, UNITS)
    body = {"items": [{"product_id": product, "quantity": UNITS}] * 2}
    answer = customer.call("POST", "/orders", body, headers={"Idempotency-Key": uuid.uuid4().hex})
    assert (answer.status_code, problem(answer)) == (400, "invalid-request")


def test_the_price_is_the_shops(admin: Person, customer: Person) -> None:
    product = stocked(admin, UNITS, price_cents=12_345)
    for name in ("price_cents", "unit_price_cents", "total_cents", "discount"):
        assert _buy(customer, product, more={name: 1}).status_code == 400
    assert _buy(customer, product, 3).json()["total_cents"] == 3 * 12_345


def test_a_repeated_request_is_one_order_and_one_price(admin: Person, customer: Person) -> None:
    product, key = stocked(admin, UNITS), uuid.uuid4().hex
    with ThreadPoolExecutor(6) as crowd:
        answers = list(crowd.map(lambda _: _buy(customer, product, key=key), range(6)))
    # those that come while the first is in flight are told so
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert _buy(customer, product, UNITS - 1).status_code == 201
    assert _buy(customer, product).status_code == 409


def test_a_key_does_not_buy_something_else(admin: Person, customer: Person) -> None:
    cheap, dear = stocked(admin, UNITS, price_cents=1), stocked(admin, UNITS, price_cents=100_000)
    key = uuid.uuid4().hex
    assert _buy(customer, cheap, key=key).status_code == 201
    assert _buy(customer, dear, key=key).status_code == 422
    assert _buy(customer, cheap, 2, key=key).status_code == 422


def test_a_key_of_somebody_else_tells_nothing_and_blocks_nothing(
    admin: Person, customer: Person, stranger: Person
) -> None:
    product, key = stocked(admin, UNITS), uuid.uuid4().hex
    mine = _buy(customer, product, key=key)
    theirs = _buy(stranger, product, 2, key=key)
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert "Idempotency-Replayed" not in theirs.headers
    assert mine.json()["id"] != theirs.json()["id"]


def test_a_settled_order_cannot_be_taken_back_and_a_cancelled_one_not_paid(admin: Person, customer: Person) -> None:
    product = stocked(admin, UNITS)
    order = _buy(customer, product).json()
    settled = eventually(
        lambda: (now := customer.call("GET", f"/orders/{order['id']}").json())["status"] != "pending" and now,
        seconds=60,
        what="the order is settled",
    )
    assert settled["status"] == "confirmed"
    refused = customer.call("POST", f"/orders/{order['id']}/cancel")
    assert (refused.status_code, problem(refused)) == (409, "order-not-pending")
    # what confirms or rejects is the platform's own business
    for step in ("confirm", "reject"):
        assert customer.call("POST", f"/orders/{order['id']}/{step}", {}).status_code == 404


def test_cancelling_many_times_gives_the_stock_back_once(admin: Person, customer: Person) -> None:
    product = stocked(admin, UNITS)
    order = _buy(customer, product, UNITS).json()
    with ThreadPoolExecutor(6) as crowd:
        answers = list(crowd.map(lambda _: customer.call("POST", f"/orders/{order['id']}/cancel"), range(6)))
    statuses = Counter(answer.status_code for answer in answers)
    # the worker may have been faster than all of them
    assert statuses in (Counter({200: 1, 409: 5}), Counter({409: 6}))
    if statuses[200]:
        eventually(lambda: _buy(customer, product, UNITS).status_code == 201, seconds=60, what="the stock is back")
    assert _buy(customer, product).status_code == 409
