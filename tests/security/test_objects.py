"""Other people's objects (BOLA): what exists for its owner does not exist for anybody else, whatever it is called."""

import uuid

import pytest

from tests.security.people import Client, Person, problem

pytestmark = pytest.mark.owasp("API1")

ONE_ORDER = [("GET", ""), ("POST", "/cancel"), ("GET", "/details")]


@pytest.fixture(scope="module")
def order_id(customer: Person, goods: str) -> str:
    return str(customer.order(goods)["id"])


@pytest.mark.parametrize(("method", "suffix"), ONE_ORDER)
def test_an_order_is_its_owners_alone(
    method: str, suffix: str, order_id: str, stranger: Person, admin: Person, edge: Client
) -> None:
    path = f"/orders/{order_id}{suffix}"
    missing = f"/orders/{uuid.uuid4()}{suffix}"
    # not even the administrator, who has no business with what somebody bought, and the answer is that of no order
    for other in (stranger, admin):
        answer, nothing = other.call(method, path), other.call(method, missing)
        assert (answer.status_code, problem(answer)) == (404, "unknown-order")
        assert answer.json()["detail"] == nothing.json()["detail"]
    assert edge.call(method, path).status_code == 401


def test_the_owner_can_do_what_the_others_could_not(order_id: str, customer: Person) -> None:
    assert customer.call("GET", f"/orders/{order_id}").json()["user_id"] == customer.id
    assert customer.call("GET", f"/orders/{order_id}/details").status_code == 200


@pytest.mark.parametrize(
    "spelling",
    [str.upper, lambda text: text.replace("-", ""), lambda text: f"{{{text}}}", lambda text: f"urn:uuid:{text}"],
    ids=["capitals", "no dashes", "braces", "urn"],
)
def test_no_other_spelling_of_its_id_opens_it(spelling: object, order_id: str, stranger: Person) -> None:
    assert callable(spelling)
    assert stranger.call("GET", f"/orders/{spelling(order_id)}").status_code in {400, 404}


@pytest.mark.parametrize(
    "query",
    ["user_id={}", "user={}", "owner={}", "subject={}", "filter[user_id]={}", "user_id[]={}", "all=true", "after={}"],
)
def test_no_parameter_lists_somebody_elses_orders(
    query: str, order_id: str, customer: Person, stranger: Person, goods: str
) -> None:
    own = stranger.order(goods)["id"]
    answer = stranger.call("GET", f"/orders?limit=100&{query.format(customer.id)}")
    if answer.status_code == 200:
        listed = answer.json()["items"]
        assert {order["user_id"] for order in listed} <= {stranger.id}
        assert order_id not in {order["id"] for order in listed}
        assert query.startswith("after") or own in {order["id"] for order in listed}
    else:
        assert answer.status_code == 400


def test_anothers_order_as_a_cursor_shows_nothing_of_it(order_id: str, stranger: Person) -> None:
    answer = stranger.call("GET", f"/orders?after={order_id}")
    assert answer.status_code in {200, 400}
    assert order_id not in answer.text


@pytest.mark.parametrize(
    "header",
    ["X-User-Id", "X-Stormglass-Identity", "X-Stormglass-Subject", "X-Original-User", "X-Remote-User", "From"],
)
def test_no_header_makes_somebody_the_owner(header: str, order_id: str, customer: Person, stranger: Person) -> None:
    for value in (customer.id, customer.token):
        answer = stranger.call("GET", f"/orders/{order_id}", headers={header: value})
        assert answer.status_code == 404


def test_an_idempotency_key_of_somebody_else_replays_nothing(customer: Person, stranger: Person, goods: str) -> None:
    key = uuid.uuid4().hex
    first, second = customer.order(goods, key=key), stranger.order(goods, key=key)
    assert first["id"] != second["id"]
    assert (first["user_id"], second["user_id"]) == (customer.id, stranger.id)


def test_the_profile_is_the_callers_and_no_path_leads_to_anothers(customer: Person, stranger: Person) -> None:
    assert customer.call("GET", "/users/me", params={"user_id": stranger.id}).json()["id"] == customer.id
    for path in (f"/users/{stranger.id}", f"/users/{stranger.id}/contact", "/users", "/users/"):
        for method in ("GET", "PATCH", "PUT", "DELETE"):
            assert customer.call(method, path).status_code in {404, 405}, f"{method} {path}"


def test_answers_of_one_caller_are_not_cached_for_another(customer: Person, stranger: Person, edge: Client) -> None:
    for path in ("/users/me", "/orders"):
        mine = customer.call("GET", path)
        assert mine.status_code == 200
        assert "public" not in mine.headers.get("Cache-Control", "")
        theirs = stranger.call("GET", path, headers={"If-None-Match": mine.headers.get("ETag", '"x"')})
        assert theirs.status_code == 200
        assert theirs.content != mine.content
        assert edge.call("GET", path).status_code == 401
