"""The route table held against itself, the rate limits and the topology, when the process starts."""

import re
from collections.abc import Mapping, Sequence

from services.gateway.route import METHODS, PARAMETER, Auth, Policy, Route, RouteError
from services.gateway.shapes.table import SHAPES
from stormglass.topology import TOPOLOGY

_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+|\{[a-z][a-z0-9_]*\}")


def check(routes: Sequence[Route], known: Mapping[str, Policy]) -> None:
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


def _faults(route: Route, known: Mapping[str, Policy]) -> list[str]:
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
    if route.local:
        prefixes = (route.path,)
    if not any(route.target == prefix or route.target.startswith(f"{prefix}/") for prefix in prefixes):
        faults.append(f"the internal balancer does not send {route.target} to {route.upstream}")
    faults += [f"unknown rate limit {name}" for name in route.limits if name not in known]
    if not route.limits:
        faults.append("no rate limit")
    if route.scopes and route.auth is not Auth.REQUIRED:
        faults.append("scopes without a required credential")
    if route.tells_csrf and route.auth is Auth.NONE:
        faults.append("tells the token of a session that it does not look at")
    if not 0 < route.head <= route.total or route.body < 0:
        faults.append("a limit is out of range: 0 < head ≤ total, body ≥ 0")
    return faults + _of_the_answer(route)


def _of_the_answer(route: Route) -> list[str]:
    faults = route.sends.faults + route.answers.faults
    faults += route.cache.faults if route.cache else []
    faults += route.compose.faults if route.compose else []
    if route.shape and route.shape not in SHAPES:
        faults.append(f"unknown shape {route.shape}")
    if (route.shape or route.compose or route.local) and (route.methods != ("GET",) or route.body):
        faults.append("only what is read can be mapped, composed or our own")
    if (route.shape or route.cache) and route.compose:
        faults.append("an answer that is composed is neither mapped nor stored")
    return faults
