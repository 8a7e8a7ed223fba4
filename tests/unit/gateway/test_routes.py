import dataclasses

import pytest

from services.gateway.matching import Matcher
from services.gateway.routes import ROUTES, Auth, Route, RouteError, check, policies
from stormglass.service import Problem

POLICIES = policies(100)
GOOD = Route(("GET",), "/orders/{order_id}", "orders")


def test_the_table_is_sound() -> None:
    check(ROUTES, POLICIES)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"methods": ()}, "no method"),
        ({"methods": ("BREW",)}, "unknown method"),
        ({"path": "orders"}, "not a template"),
        ({"path": "/orders//x"}, "not a template"),
        ({"path": "/orders/{Id}"}, "not a template"),
        ({"path": "/orders/{a}/{a}"}, "twice"),
        ({"rewrite": "/orders/{other}"}, "needs other"),
        ({"upstream": "nobody"}, "does not send"),
        ({"upstream": "users"}, "does not send"),
        ({"path": "/ordersomething"}, "does not send"),
        ({"policy": "none"}, "unknown rate limit"),
        ({"auth": Auth.OPTIONAL, "scopes": frozenset({"x"})}, "without a required token"),
        ({"head": 11.0}, "out of range"),
        ({"body": -1}, "out of range"),
    ],
)
def test_a_wrong_entry_is_named(change: dict[str, object], says: str) -> None:
    with pytest.raises(RouteError, match=says):
        check([dataclasses.replace(GOOD, **change)], POLICIES)  # type: ignore[arg-type]  # values by name, on purpose


def test_two_routes_for_one_request() -> None:
    with pytest.raises(RouteError, match="same requests"):
        check([GOOD, dataclasses.replace(GOOD, path="/orders/{id}")], POLICIES)


@pytest.mark.parametrize(
    ("method", "path", "template", "target"),
    [
        ("POST", "/place-order", "/place-order", "/orders"),
        ("GET", "/users/me", "/users/me", "/users/me"),
        ("GET", "/orders/a%20b", "/orders/{order_id}", "/orders/a%20b"),
        ("GET", "/orders/{order_id}", "/orders/{order_id}", "/orders/{order_id}"),
        ("POST", "/orders/7/cancel", "/orders/{order_id}/cancel", "/orders/7/cancel"),
        ("GET", "/products/schema/openapi.json", "/products/schema/openapi.json", "/products/schema/openapi.json"),
    ],
)
def test_a_match(method: str, path: str, template: str, target: str) -> None:
    match = Matcher(ROUTES).match(method, path)
    assert (match.route.path, match.target) == (template, target)


@pytest.mark.parametrize("path", ["/", "/orders/", "/orders/7/confirm", "/users/7/contact", "/orders/7/cancel/x", ""])
def test_no_match(path: str) -> None:
    with pytest.raises(Problem) as caught:
        Matcher(ROUTES).match("POST", path)
    assert caught.value.status == 404


def test_another_method() -> None:
    with pytest.raises(Problem) as caught:
        Matcher(ROUTES).match("HEAD", "/orders")
    assert (caught.value.status, caught.value.headers) == (405, {"Allow": "GET, POST"})


def test_the_longer_literal_wins() -> None:
    routes = [
        Route(("GET",), "/orders/{a}/{b}", "orders"),
        Route(("GET",), "/orders/{a}/items", "orders"),
        Route(("GET",), "/orders/mine/{b}", "orders"),
    ]
    check(routes, POLICIES)
    found = [
        Matcher(routes).match("GET", path).route.path for path in ("/orders/1/2", "/orders/1/items", "/orders/mine/2")
    ]
    assert found == [route.path for route in routes]
