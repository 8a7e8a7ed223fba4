"""What a change makes worthless, removed from the cache before the answer to the change goes out.

So whoever has the answer to an edit, and everybody told of it, sees the edit. If Redis is away the answer goes out all
the same and says that the edit may be seen late; the removal is tried again until it succeeds.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence

from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation

from services.gateway.cache.groups import INVALIDATION, group_ids
from services.gateway.cache.store import Store
from services.gateway.exchange import Exchange
from services.gateway.route import Route
from services.gateway.upstream import Answer, Call
from stormglass.service.cached import DEGRADED
from stormglass.telemetry import names
from stormglass.telemetry.logs import logger

DELAYED = "invalidation-delayed"
"""Value of `X-Stormglass-Degraded` on the answer to a change that the cache has not heard of yet."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
RETRY_SECONDS = 0.2
MAX_PENDING = 10_000
"""Groups that wait for Redis; the oldest are given up, and their entries live on until they are no longer fresh."""

_log = logger(__name__)


def cached_resources(routes: Iterable[Route]) -> frozenset[tuple[str, str]]:
    """The resources of which answers are stored, as services and their templates."""
    return frozenset((route.upstream, route.target) for route in routes if route.cache is not None)


class Invalidation:
    """Removes what answers to unsafe requests make worthless (RFC 9111, section 4.4; RFC 9875).

    `cached` are the resources that are stored, as services and templates.
    """

    def __init__(self, store: Store, cached: Collection[tuple[str, str]]) -> None:
        self._store = store
        self._cached = cached
        self._pending: dict[str, None] = {}

    @property
    def pending(self) -> bool:
        """Whether Redis has yet to hear of a change: until then, what it has may be wrong."""
        return bool(self._pending)

    async def __call__(self, exchange: Exchange, route: Route, call: Call, answer: Answer) -> None:
        """Look at an answer before it goes out."""
        if call.method in SAFE or answer.status >= 400:
            return
        headers = [(name.lower(), value) for name, value in answer.headers]
        resource, *groups = group_ids(route.upstream, call.target, headers, INVALIDATION)
        if (route.upstream, route.target) in self._cached:
            groups.append(resource)
        if groups:
            await self._remove(exchange, groups)

    async def _remove(self, exchange: Exchange, groups: Sequence[str]) -> None:
        done = await self._store.invalidate(groups)
        names.GATEWAY_CACHE_INVALIDATIONS.counter().labels("done" if done else "delayed").inc()
        if done:
            return
        self._pending.update(dict.fromkeys(groups))
        for oldest in list(self._pending)[:-MAX_PENDING]:
            del self._pending[oldest]
        names.FALLBACKS.counter().labels("redis", "invalidation_delayed").inc()
        trace.get_current_span().add_event("cache invalidation delayed", {"groups": len(groups)})
        exchange.extra.append((DEGRADED.lower().encode(), DELAYED.encode()))

    async def run(self) -> None:
        """Try again for ever what could not be done; to be run beside the server."""
        with suppress_instrumentation():
            while True:
                await asyncio.sleep(RETRY_SECONDS)
                groups = list(self._pending)
                if groups and await self._store.invalidate(groups):
                    for group in groups:
                        self._pending.pop(group, None)
                    _log.info("cache invalidated late", groups=len(groups))
