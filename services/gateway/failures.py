"""What a client is told when a call to a service failed."""

from services.gateway.body import RequestBody
from services.gateway.route import Route
from services.gateway.upstream import UpstreamFailed
from stormglass.service import Problem
from stormglass.telemetry import names

BALANCERS = {
    502: ("upstream-broken", "the service broke off before it answered"),
    503: ("upstream-unreachable", "no replica of the service can be reached; try again"),
    504: ("upstream-timeout", "the service did not answer in time"),
}
"""What the balancer between us and the services answers by itself, as plain text; services answer with problems."""


def problem_of(error: Exception, body: RequestBody | None, route: Route) -> Problem:
    """The answer to a request whose call ended with a `TimeoutError` or with `UpstreamFailed`."""
    if body is not None and body.fault is not None:
        return body.fault
    if isinstance(error, UpstreamFailed):
        if error.sent:
            return Problem(502, "upstream-broken", f"{route.upstream} broke off before it answered")
        detail = f"{route.upstream} cannot be reached; try again"
        return Problem(503, "upstream-unreachable", detail, headers={"Retry-After": "1"})
    names.DEADLINE_EXCEEDED.counter().labels("gateway").inc()
    if body is not None and body.waiting and not body.complete:
        return Problem(408, "request-too-slow", "the body did not come in time", headers={"Connection": "close"})
    return Problem(504, "upstream-timeout", f"{route.upstream} did not answer in time")


def balancers_own(status: int, content_type: bytes) -> Problem | None:
    """The problem that an answer of the balancer itself stands for; None if it is a service's answer."""
    if status not in BALANCERS or content_type.startswith((b"application/", b"text/html")):
        return None
    kind, detail = BALANCERS[status]
    return Problem(status, kind, detail, headers={"Retry-After": "1"} if status == 503 else None)
