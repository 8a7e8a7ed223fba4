"""The route table: what is reachable from outside, and which stage applies with which settings. Nothing else is.

Deny by default: an endpoint of a service that is not listed here (reservations, contact, confirm, …) does not exist
outside. Every entry is checked when the process starts; see `check()`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from stormglass.topology import TOPOLOGY

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
KIB = 1024
PARAMETER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+|\{[a-z][a-z0-9_]*\}")

HEAD_SECONDS = 1.3
"""Longest wait for the head of an answer: more than the 1.0 s after which the internal balancer gives up on a replica,
less than the 1.5 s after which the edge gives up on us; each can thus still report what happened behind it."""


class RouteError(ValueError):
    """The table contradicts itself or the topology; the text names the route."""


class Auth(StrEnum):
    """Whether a route looks at a bearer token."""

    REQUIRED = "required"
    OPTIONAL = "optional"  # a token that is sent must be good; who sends none is served without an identity
    NONE = "none"  # a token that is sent is not looked at


@dataclass(frozen=True, slots=True)
class Policy:
    """A rate limit: `quota` requests in every `window` seconds, per caller; `name` is told in the answer."""

    name: str
    quota: int
    window: int = 60


@dataclass(frozen=True, slots=True)
class Route:
    """One entry of the table.

    `path` and `rewrite` are templates: a segment is a literal or `{name}`; `rewrite` is empty where the
    service knows the same path. `upstream` is the topology's label of the service. Times are in seconds: `head` until
    the answer begins once the request was received whole (it is what the service is told as its deadline), `total` for
    the exchange with the body. `body` is the largest request body in bytes; 0: the route takes none.
    """

    methods: tuple[str, ...]
    path: str
    upstream: str
    auth: Auth = Auth.REQUIRED
    scopes: frozenset[str] = field(default_factory=frozenset)
    policy: str = "default"
    rewrite: str = ""
    head: float = HEAD_SECONDS
    total: float = 10.0
    body: int = 0

    @property
    def target(self) -> str:
        """The service's own template."""
        return self.rewrite or self.path


def _scopes(*names: str) -> frozenset[str]:
    return frozenset(names)


ROUTES: tuple[Route, ...] = (
    Route(("POST",), "/users", "users", Auth.NONE, body=16 * KIB),
    Route(("POST",), "/tokens", "users", Auth.NONE, body=16 * KIB),
    Route(("GET",), "/users/me", "users", scopes=_scopes("profile:read")),
    Route(("GET",), "/.well-known/jwks.json", "users", Auth.NONE),
    Route(("GET",), "/products", "products", Auth.OPTIONAL),
    Route(("GET",), "/products/{product_id}", "products", Auth.OPTIONAL),
    Route(("PUT",), "/products", "products", scopes=_scopes("products:write"), body=1024 * KIB),
    Route(("POST",), "/products/{product_id}/restock", "products", scopes=_scopes("products:write"), body=4 * KIB),
    Route(("POST",), "/orders", "orders", scopes=_scopes("orders:write"), body=64 * KIB),
    Route(("POST",), "/place-order", "orders", scopes=_scopes("orders:write"), rewrite="/orders", body=64 * KIB),
    Route(("GET",), "/orders", "orders", scopes=_scopes("orders:read")),
    Route(("GET",), "/orders/{order_id}", "orders", scopes=_scopes("orders:read")),
    Route(("POST",), "/orders/{order_id}/cancel", "orders", scopes=_scopes("orders:write"), body=4 * KIB),
    Route(("GET",), "/users/schema/openapi.json", "users", Auth.NONE),
    Route(("GET",), "/products/schema/openapi.json", "products", Auth.NONE),
    Route(("GET",), "/orders/schema/openapi.json", "orders", Auth.NONE),
)


def policies(rate_per_minute: int) -> dict[str, Policy]:
    """The rate limits that routes name."""
    return {"default": Policy("default", rate_per_minute)}


def check(routes: Sequence[Route], known: dict[str, Policy]) -> None:
    """Hold the table against itself, the policies and the topology.

    Raises:
        RouteError: a template is malformed, two routes answer the same request, or a route names what does not exist.
    """
    seen: dict[tuple[str, str], Route] = {}
    for route in routes:
        for fault in _faults(route, known):
            raise RouteError(f"{'/'.join(route.methods)} {route.path}: {fault}")
        shape = PARAMETER.sub("{}", route.path)
        for method in route.methods:
            other = seen.setdefault((method, shape), route)
            if other is not route:
                raise RouteError(f"{method} {route.path} answers to the same requests as {other.path}")


def _well_formed(template: str) -> bool:
    return template.startswith("/") and all(_SEGMENT.fullmatch(part) for part in template[1:].split("/"))


def _faults(route: Route, known: dict[str, Policy]) -> list[str]:
    faults = [f"unknown method {method}" for method in route.methods if method not in METHODS]
    if not route.methods:
        faults.append("no method")
    faults += [
        f"{template!r} is not a template" for template in (route.path, route.target) if not _well_formed(template)
    ]
    names = PARAMETER.findall(route.path)
    if len(names) != len(set(names)):
        faults.append("a parameter occurs twice")
    if missing := set(PARAMETER.findall(route.target)) - set(names):
        faults.append(f"the rewrite needs {', '.join(sorted(missing))}, which the path does not have")
    prefixes = TOPOLOGY[route.upstream].paths if route.upstream in TOPOLOGY else ()
    if not any(route.target == prefix or route.target.startswith(f"{prefix}/") for prefix in prefixes):
        faults.append(f"the internal balancer does not send {route.target} to {route.upstream}")
    if route.policy not in known:
        faults.append(f"unknown rate limit {route.policy}")
    if route.scopes and route.auth is not Auth.REQUIRED:
        faults.append("scopes without a required token")
    if not 0 < route.head <= route.total or route.body < 0:
        faults.append("a limit is out of range: 0 < head ≤ total, body ≥ 0")
    return faults
