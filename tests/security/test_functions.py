"""Functions that are not for everybody: every route times every credential, held against the table of routes."""

import uuid

import httpx
import pytest

from stormglass.testing import Platform
from tests.security.forge import ADMIN_SCOPES, USER_SCOPES, Forge
from tests.security.matrix import DOORS, GUARDED, OPEN, Door, filled, handlers, published, scopes
from tests.security.people import Client, problem

pytestmark = pytest.mark.owasp("API5")


def named(door: Door) -> str:
    return door.name


def _bundles(door: Door) -> dict[str, tuple[str, ...]]:
    """Sets of scopes by name: none, each alone, all but one that is needed, a customer's, an administrator's."""
    every = tuple(scopes())
    return {
        "none": (),
        **{f"only {scope}": (scope,) for scope in every},
        **{f"all but {missing}": tuple(set(every) - {missing}) for missing in door.route.scopes},
        "customer": USER_SCOPES,
        "administrator": ADMIN_SCOPES,
        "upper case": tuple(scope.upper() for scope in every),
        "wildcards": ("*", "orders:*", "orders", "admin:*", "."),
    }


@pytest.mark.parametrize("door", GUARDED, ids=named)
def test_nobody_comes_through_a_guarded_door(door: Door, edge: Client) -> None:
    answer = door.knock(edge)
    assert (answer.status_code, problem(answer)) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("door", GUARDED, ids=named)
def test_a_token_opens_what_its_scopes_say_and_nothing_else(door: Door, forge: Forge, edge: Client) -> None:
    wrong = []
    for name, bundle in _bundles(door).items():
        # a subject of its own each time: whatever is let through has no account to do anything to
        with edge.bearing(forge.scoped(*bundle)) as caller:
            answer = door.knock(caller)
        allowed = door.route.scopes <= set(bundle)
        let_in = answer.status_code not in {401, 403}
        # who is kept out is kept out by the gateway: the service never hears of it
        if let_in != allowed or (not allowed and problem(answer) != "insufficient-scope"):
            wrong.append(f"{name}: {answer.status_code} {answer.text[:160]}")
    assert wrong == []


@pytest.mark.parametrize("door", OPEN, ids=named)
def test_an_open_door_needs_no_credential(door: Door, edge: Client) -> None:
    assert door.knock(edge).status_code not in {403, 500, 502, 503}


def test_the_open_doors_are_these() -> None:
    """Whoever opens another one says so here too."""
    assert {door.name for door in OPEN} == {
        "POST /users",
        "POST /tokens",
        "POST /tokens/refresh",
        "POST /tokens/revoke",
        "POST /sessions",
        "GET /.well-known/jwks.json",
        "GET /openapi.json",
        "GET /products",
        "GET /products/{product_id}",
        "GET /v2/products",
        "GET /v2/products/{product_id}",
    }


def test_every_guarded_door_asks_for_a_scope() -> None:
    assert [door.name for door in GUARDED if not door.route.scopes] == []


def test_what_only_an_administrator_may_do() -> None:
    beyond = {door.name for door in DOORS if door.route.scopes - set(USER_SCOPES)}
    assert beyond == {"PUT /products", "POST /products/{product_id}/restock", "DELETE /users/{user_id}/sessions"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"])
@pytest.mark.parametrize(
    "header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL"]
)
def test_no_header_turns_a_request_into_another(method: str, header: str, forge: Forge, edge: Client) -> None:
    value = "/products" if header.endswith("URL") else "PUT"
    with edge.bearing(forge.scoped("profile:read")) as caller:
        plain = caller.call(method, "/products")
        turned = caller.call(method, "/products", headers={header: value})
    assert turned.status_code == plain.status_code


@pytest.mark.parametrize(
    "path", ["/Products", "/PRODUCTS", "/products/", "/products;x", "/products.json", "/./products"]
)
def test_no_other_spelling_is_a_door_of_its_own(path: str, forge: Forge, edge: Client) -> None:
    with edge.bearing(forge.scoped("profile:read")) as caller:
        raw = httpx.URL(caller.base_url).copy_with(raw_path=path.encode())
        answer = caller.call("PUT", str(raw), {"items": []})
    assert answer.status_code in {400, 403, 404, 405}


def test_handlers_that_are_not_published_do_not_exist_outside(platform: Platform, forge: Forge, edge: Client) -> None:
    inside = [(method, path) for _, method, path in handlers(platform) if published(method, path) is None]
    # the platform's own business: contact, availability, reservations, confirm, reject, verification of credentials
    assert len(inside) > 8, inside
    with edge.bearing(forge.scoped(*ADMIN_SCOPES)) as administrator:
        for client in (edge, administrator):
            for method, path in inside:
                answer = client.call(method, filled(path), {} if method in {"POST", "PUT", "PATCH"} else None)
                assert answer.status_code in {404, 405}, f"{method} {path}: {answer.status_code}"


def test_behind_the_gateway_a_service_asks_again(platform: Platform) -> None:
    """Whoever got past the gateway has no identity, or one without scopes: neither opens anything."""
    open_inside = []
    for service, method, path in handlers(platform):
        door = published(method, path)
        if door is not None and not door.guarded:
            continue
        body: dict[str, str] | None = {} if method in {"POST", "PUT", "PATCH"} else None
        with Client(f"http://{platform.address(service)}") as nearer:
            for kind, headers, wanted in (
                ("no identity", {}, 401),
                ("no scopes", {"X-Stormglass-Identity": platform.identity(str(uuid.uuid4()))}, 403),
            ):
                answer = nearer.call(method, filled(path), body, headers=headers)
                # the form of the request may be looked at first
                if answer.status_code not in {wanted, 400}:
                    open_inside.append(f"{kind}: {method} {path} → {answer.status_code}")
    assert open_inside == []


@pytest.mark.parametrize("subject", ["service:orders", "service:gateway", "service:worker"])
def test_no_token_speaks_for_a_process_of_the_platform(subject: str, forge: Forge, edge: Client) -> None:
    with edge.bearing(forge.scoped(*ADMIN_SCOPES, subject=subject)) as caller:
        assert caller.call("GET", "/orders").status_code == 401
