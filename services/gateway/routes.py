"""The route table: what is reachable from outside, and which stage applies with which settings. Nothing else is.

Deny by default: an endpoint of a service that is not listed here (reservations, contact, confirm, …) does not exist
outside. Every entry is checked when the process starts: see `check.py`; what an entry's members mean: `route.py`.
"""

from services.gateway.cache.policy import CachePolicy
from services.gateway.compose.plan import Composition, Part
from services.gateway.headers import HeaderRules
from services.gateway.route import REFUSED, Auth, Csrf, Policy, Route
from services.gateway.settings import GatewaySettings

KIB = 1024


def _scopes(*names: str) -> frozenset[str]:
    return frozenset(names)


LOG_IN = ("default", "log-in")
ACCOUNT = frozenset({"account"})

TO_BE_MAPPED = HeaderRules(
    set=(("accept-encoding", "identity"),),
    remove=("if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range"),
)
"""An answer is mapped as a whole, and its validators are of the shape: conditions are not the service's to check."""

NEWER = HeaderRules(set=(("link", '</v2/products>; rel="successor-version"'),))

ORDER_DETAILS = Composition(
    (
        Part("order", "orders", "/orders/{order_id}", required=True),
        Part("products", "products", "/products/{each}", each="order.items[].product_id"),
        Part("profile", "users", "/users/me"),
    )
)

ROUTES: tuple[Route, ...] = (
    Route(("POST",), "/users", "users", Auth.NONE, body=16 * KIB),
    Route(("GET",), "/users/me", "users", scopes=_scopes("profile:read")),
    Route(("PATCH",), "/users/me", "users", scopes=_scopes("profile:write"), body=16 * KIB),
    Route(("POST",), "/users/me/password", "users", scopes=ACCOUNT, limits=LOG_IN, body=16 * KIB),
    Route(("DELETE",), "/users/{user_id}/sessions", "users", scopes=_scopes("admin")),
    Route(("POST",), "/tokens", "users", Auth.NONE, limits=LOG_IN, body=16 * KIB),
    Route(("POST",), "/tokens/refresh", "users", Auth.NONE, body=16 * KIB),
    Route(("POST",), "/tokens/revoke", "users", Auth.NONE, body=16 * KIB),
    Route(("POST",), "/sessions", "users", Auth.OPTIONAL, csrf=Csrf.ORIGIN, limits=LOG_IN, body=16 * KIB),
    Route(("GET",), "/sessions", "users", scopes=ACCOUNT),
    Route(("DELETE",), "/sessions", "users", scopes=ACCOUNT),
    Route(("GET",), "/sessions/current", "users", scopes=ACCOUNT, tells_csrf=True),
    Route(("DELETE",), "/sessions/current", "users", scopes=ACCOUNT),
    Route(("DELETE",), "/sessions/{session_id}", "users", scopes=ACCOUNT),
    Route(("POST",), "/api-keys", "users", scopes=ACCOUNT, body=16 * KIB),
    Route(("GET",), "/api-keys", "users", scopes=ACCOUNT),
    Route(("DELETE",), "/api-keys/{key_id}", "users", scopes=ACCOUNT),
    Route(("GET",), "/.well-known/jwks.json", "users", Auth.NONE),
    Route(
        ("GET",),
        "/products",
        "products",
        Auth.OPTIONAL,
        cache=CachePolicy(query=("q", "after", "limit")),
        answers=NEWER,
    ),
    Route(("GET",), "/products/{product_id}", "products", Auth.OPTIONAL, cache=CachePolicy()),
    Route(
        ("GET",),
        "/v2/products",
        "products",
        Auth.OPTIONAL,
        rewrite="/products",
        cache=CachePolicy(query=("q", "after", "limit")),
        shape="product-page-v2",
        sends=TO_BE_MAPPED,
    ),
    Route(
        ("GET",),
        "/v2/products/{product_id}",
        "products",
        Auth.OPTIONAL,
        rewrite="/products/{product_id}",
        cache=CachePolicy(),
        shape="product-v2",
        sends=TO_BE_MAPPED,
    ),
    Route(("PUT",), "/products", "products", scopes=_scopes("products:write"), body=1024 * KIB),
    Route(("POST",), "/products/{product_id}/restock", "products", scopes=_scopes("products:write"), body=4 * KIB),
    Route(("POST",), "/orders", "orders", scopes=_scopes("orders:write"), body=64 * KIB),
    Route(("POST",), "/place-order", "orders", scopes=_scopes("orders:write"), rewrite="/orders", body=64 * KIB),
    Route(("GET",), "/orders", "orders", scopes=_scopes("orders:read")),
    Route(("GET",), "/orders/{order_id}", "orders", scopes=_scopes("orders:read")),
    Route(
        ("GET",),
        "/orders/{order_id}/details",
        "orders",
        scopes=_scopes("orders:read", "profile:read"),
        rewrite="/orders/{order_id}",
        compose=ORDER_DETAILS,
    ),
    Route(("POST",), "/orders/{order_id}/cancel", "orders", scopes=_scopes("orders:write"), body=4 * KIB),
    Route(("GET",), "/openapi.json", "gateway", Auth.NONE, local=True),
)


def policies(settings: GatewaySettings) -> dict[str, Policy]:
    """The rate limits that routes name."""
    known = (
        Policy("default", settings.rate_per_minute),
        Policy("log-in", settings.log_ins_per_minute, by_address=True, failures_only=True),
        Policy(REFUSED, settings.refused_per_minute, by_address=True),
    )
    return {policy.name: policy for policy in known}
