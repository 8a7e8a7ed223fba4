import dataclasses

import pytest

from services.gateway.check import check
from services.gateway.compose.plan import Composition, Part
from services.gateway.headers import HeaderRules
from services.gateway.matching import Matcher
from services.gateway.route import Auth, Route, RouteError
from services.gateway.routes import ROUTES, policies
from services.gateway.settings import GatewaySettings
from stormglass.service import Problem

POLICIES = policies(GatewaySettings())
ORDER = Part("order", "orders", "/orders/{order_id}", required=True)
GOOD = Route(("GET",), "/orders/{order_id}", "orders")


def test_the_table_is_sound() -> None:
    check(ROUTES, POLICIES)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"methods": ()}, "no method"),
        ({"methods": ("BREW",)}, "unknown method"),
        ({"methods": ("HEAD",)}, "unknown method"),
        ({"auth": Auth.NONE, "tells_csrf": True}, "does not look at"),
        ({"path": "orders"}, "not a template"),
        ({"path": "/orders//x"}, "not a template"),
        ({"path": "/orders/{Id}"}, "not a template"),
        ({"path": "/orders/{a}/{a}"}, "twice"),
        ({"rewrite": "/orders/{other}"}, "needs other"),
        ({"upstream": "nobody"}, "does not send"),
        ({"upstream": "users"}, "does not send"),
        ({"path": "/ordersomething"}, "does not send"),
        ({"limits": ("none",)}, "unknown rate limit"),
        ({"limits": ()}, "no rate limit"),
        ({"auth": Auth.OPTIONAL, "scopes": frozenset({"x"})}, "without a required credential"),
        ({"head": 11.0}, "out of range"),
        ({"body": -1}, "out of range"),
        ({"shape": "none"}, "unknown shape"),
        ({"shape": "product-v2", "body": 1}, "only what is read"),
        ({"local": True, "methods": ("POST",)}, "only what is read"),
        ({"sends": HeaderRules(remove=("Range",))}, "lower case"),
        ({"answers": HeaderRules(set=(("content-length", "1"),))}, "where a message ends"),
        ({"answers": HeaderRules(set=(("link", "a\r\nb"),))}, "no header value"),
        ({"compose": Composition(())}, "without a required part"),
        ({"compose": Composition((ORDER, ORDER))}, "are called order"),
        ({"compose": Composition((ORDER, Part("unavailable", "users", "/users/me")))}, "are called unavailable"),
        ({"compose": Composition((ORDER, Part("x", "users", "/products")))}, "does not send"),
        ({"compose": Composition((ORDER, Part("x", "users", "/users/{each}")))}, "go together"),
        ({"compose": Composition((ORDER, Part("x", "users", "/users/{each}", each="y.z")))}, "no required part before"),
        ({"compose": Composition((ORDER, Part("x", "users", "/users/{each}", each="order.[")))}, "part x: "),
        ({"compose": Composition((ORDER,), seconds=0)}, "not positive"),
        ({"compose": Composition((ORDER,)), "shape": "product-v2"}, "neither mapped nor stored"),
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
        ("GET", "/v2/products/7", "/v2/products/{product_id}", "/products/7"),
        ("GET", "/orders/7/details", "/orders/{order_id}/details", "/orders/7"),
        ("GET", "/openapi.json", "/openapi.json", "/openapi.json"),
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
        Matcher(ROUTES).match("DELETE", "/orders")
    assert (caught.value.status, caught.value.headers) == (405, {"Allow": "GET, HEAD, OPTIONS, POST"})


def test_methods_that_are_not_in_the_table() -> None:
    matcher = Matcher(ROUTES)
    assert matcher.match("HEAD", "/orders/7").route.methods == ("GET",)
    assert matcher.options("/orders/7") == ("/orders/{order_id}", "GET, HEAD, OPTIONS")
    with pytest.raises(Problem) as caught:
        matcher.match("HEAD", "/place-order")
    assert caught.value.headers == {"Allow": "OPTIONS, POST"}
    with pytest.raises(Problem) as caught:
        matcher.options("/nowhere")
    assert caught.value.status == 404


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
