"""API keys: narrow, shown once, never more than their maker, and no way to more of them."""

import uuid

import pytest

from tests.security.matrix import GUARDED, Door
from tests.security.people import Client, Person, problem

pytestmark = [pytest.mark.owasp("API2"), pytest.mark.owasp("API5")]

SCOPES = ("orders:read", "orders:write", "profile:read", "profile:write")


@pytest.fixture(scope="module")
def keys(customer: Person) -> dict[str, Client]:
    """A client for each scope, which holds a key with that scope alone."""
    return {scope: customer.holding(x_api_key=customer.make_key(scope)["key"]) for scope in SCOPES}


@pytest.mark.parametrize("door", GUARDED, ids=lambda door: door.name)
def test_a_key_opens_what_its_one_scope_says(door: Door, keys: dict[str, Client]) -> None:
    for scope, holder in keys.items():
        answer = door.knock(holder)
        allowed = door.route.scopes <= {scope}
        assert (answer.status_code not in {401, 403}) == allowed, f"{scope}: {answer.status_code} {answer.text}"


@pytest.mark.parametrize(
    "scopes",
    [
        ["account"],
        ["admin"],
        ["orders:read", "account"],
        ["*"],
        [],
        ["orders:read"] * 11,
        ["ORDERS:READ"],
        ["orders:read admin"],
        "orders:read",
        None,
        [None],
    ],
    ids=str,
)
def test_a_key_cannot_be_made_for_more(scopes: object, customer: Person, admin: Person) -> None:
    for maker in (customer, admin):
        answer = maker.call("POST", "/api-keys", {"name": "x", "scopes": scopes})
        assert (answer.status_code, problem(answer)) == (400, "invalid-request")


def test_a_key_has_no_scope_that_its_maker_lacks(customer: Person) -> None:
    answer = customer.call("POST", "/api-keys", {"name": "x", "scopes": ["orders:read", "products:write"]})
    assert (answer.status_code, problem(answer)) == (403, "insufficient-scope")


def test_a_key_makes_no_keys_and_sees_none(customer: Person, keys: dict[str, Client]) -> None:
    made = customer.call("GET", "/api-keys").json()["items"]
    assert made
    for holder in keys.values():
        assert holder.call("POST", "/api-keys", {"name": "x", "scopes": ["orders:read"]}).status_code == 403
        assert holder.call("GET", "/api-keys").status_code == 403
        assert holder.call("DELETE", f"/api-keys/{made[0]['id']}").status_code == 403


@pytest.mark.owasp("API3")
def test_a_key_is_shown_once(customer: Person) -> None:
    made = customer.make_key("orders:read")
    listed = customer.call("GET", "/api-keys")
    assert made["id"] in listed.text
    assert made["key"] not in listed.text
    assert made["key"].rpartition("_")[2] not in listed.text
    for item in listed.json()["items"]:
        wanted = {"id", "name", "prefix", "scopes", "created_at", "last_used_at", "expires_at"}
        assert item.keys() == wanted


@pytest.mark.owasp("API1")
def test_anothers_key_cannot_be_seen_or_revoked(customer: Person, stranger: Person, edge: Client) -> None:
    made = customer.make_key("profile:read")
    assert made["id"] not in stranger.call("GET", "/api-keys").text
    refused = stranger.call("DELETE", f"/api-keys/{made['id']}")
    nothing = stranger.call("DELETE", f"/api-keys/{uuid.uuid4()}")
    assert (refused.status_code, problem(refused)) == (404, "no-such-key")
    assert refused.json()["detail"] == nothing.json()["detail"]
    assert edge.call("GET", "/users/me", headers={"X-API-Key": made["key"]}).status_code == 200


@pytest.mark.owasp("API4")
@pytest.mark.parametrize("days", [0, -1, 366, 10**12, 1.5, "7", None])
def test_every_key_ends_some_day(days: object, customer: Person) -> None:
    body = {"name": "x", "scopes": ["orders:read"], "expires_in_days": days}
    assert customer.call("POST", "/api-keys", body).status_code == 400


@pytest.mark.parametrize(
    "spoil",
    [str.upper, lambda key: key[:-1], lambda key: f"{key}A", lambda key: f"{key}, {key}", lambda key: key[4:]],
    ids=["capitals", "too short", "too long", "twice", "no beginning"],
)
def test_a_spoiled_key_is_refused(spoil: object, customer: Person, edge: Client) -> None:
    assert callable(spoil)
    key = customer.make_key("profile:read")["key"]
    for path in ("/users/me", "/products"):
        assert edge.call("GET", path, headers={"X-API-Key": spoil(key)}).status_code == 401
    assert edge.call("GET", f"/users/me?api_key={key}").status_code == 401
    assert edge.call("GET", "/users/me", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    assert edge.call("GET", "/users/me", headers={"Authorization": f"ApiKey {key}"}).status_code == 401


@pytest.mark.owasp("API4")
def test_an_account_has_so_many_keys_and_no_more(stranger: Person) -> None:
    answers = []
    for _ in range(60):
        answer = stranger.call("POST", "/api-keys", {"name": "x", "scopes": ["orders:read"]})
        if answer.status_code != 201:
            break
        answers.append(answer.json()["id"])
    assert (answer.status_code, problem(answer)) == (409, "too-many-keys")
    for key_id in answers:
        assert stranger.call("DELETE", f"/api-keys/{key_id}").status_code == 204
