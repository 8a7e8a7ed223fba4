"""Serving what is no longer fresh because the service fails (stale-if-error, RFC 5861), and saying so."""

from typing import TypeGuard

from opentelemetry import trace

from services.gateway.cache.status import Did, served
from services.gateway.cache.store import Reply
from services.gateway.exchange import Exchange
from services.gateway.route import Route
from services.gateway.whole import Whole
from stormglass.resilience.outage import Outage
from stormglass.service.cached import DEGRADED
from stormglass.telemetry import names

ERRORS = frozenset({500, 502, 503, 504})
"""What counts as an error (RFC 5861, section 4)."""

OUTAGE_SECONDS = 1.0
"""How long a service that failed is not waited for where there is something to serve: then one request tries it."""


class Failing:
    """Which services fail at the moment, as those saw it who had to ask."""

    def __init__(self) -> None:
        self._outages: dict[str, Outage] = {}

    def of(self, route: Route) -> Outage:
        """What is known of the route's service."""
        return self._outages.setdefault(route.upstream, Outage(OUTAGE_SECONDS))


def lasts(reply: Reply | None) -> TypeGuard[Reply]:
    """Whether a look-up found an answer that may still be served if the service fails."""
    if reply is None or reply.stored is None:
        return False
    return reply.age <= reply.stored.terms.lifetime + reply.stored.terms.if_error


def outlived(exchange: Exchange, route: Route, reply: Reply) -> Whole:
    """The answer of a look-up for which `lasts()` holds."""
    assert reply.stored is not None  # noqa: S101 - what `lasts()` says, for the type checker
    names.FALLBACKS.counter().labels(route.upstream, "stale_cache").inc()
    trace.get_current_span().add_event("stale answer served", {"cache": "gateway", "age_seconds": reply.age})
    whole = reply.stored.answer(reply.age)
    degraded = (DEGRADED.lower().encode(), b"stale-cache")
    told = Whole(whole.status, [*whole.headers, degraded], whole.body)
    return served(exchange, told, Did.STALE, reply.stored.terms.lifetime - reply.age)
