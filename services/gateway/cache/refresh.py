"""Fetching anew in the background what is served stale meanwhile (stale-while-revalidate, RFC 5861)."""

import asyncio
from contextvars import Context

from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext, StatusCode

from services.gateway.cache.fetch import Fetch
from services.gateway.cache.policy import CachePolicy
from services.gateway.cache.store import Lookup, Store
from services.gateway.exchange import Exchange
from services.gateway.route import Route
from services.gateway.upstream import Call
from stormglass.service import Problem
from stormglass.telemetry.logs import logger

_log = logger(__name__)
_tracer = trace.get_tracer("services.gateway")


class Refresher:
    """The refreshes that are under way in this process: one a resource, and over all processes one too."""

    def __init__(self, store: Store, fetch: Fetch) -> None:
        self._store = store
        self._fetch = fetch
        self._running: dict[str, asyncio.Task[None]] = {}

    def begin(self, exchange: Exchange, route: Route, call: Call, policy: CachePolicy, lookup: Lookup) -> None:
        """Begin one unless it is under way; the request does not wait for it, and its deadline does not end it."""
        if lookup.key in self._running:
            return
        cause = trace.get_current_span().get_span_context()
        # an exchange of its own, as nobody waits for the answer; an empty context, as it belongs to no request
        own = Exchange("GET", [], exchange.client, request_id=exchange.request_id)
        work = self._refresh(own, route, call, policy, lookup, cause)
        task = asyncio.create_task(work, context=Context())
        self._running[lookup.key] = task
        task.add_done_callback(lambda _: self._running.pop(lookup.key, None))

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _refresh(
        self, exchange: Exchange, route: Route, call: Call, policy: CachePolicy, lookup: Lookup, cause: SpanContext
    ) -> None:
        with _tracer.start_as_current_span(
            f"refresh {route.target}", context=trace.set_span_in_context(trace.INVALID_SPAN), links=[Link(cause)]
        ) as span:
            try:
                claim = await self._store.claim(lookup)
                if claim.reply is None or not claim.reply.claimed:
                    span.set_attribute("cache.refresh", "not needed")
                    return
                fetched = await self._fetch(exchange, route, call, policy, claim)
                span.set_attribute("cache.refresh", fetched.detail)
            except Problem as problem:
                span.set_status(StatusCode.ERROR, problem.kind)
                _log.warning("a cached answer could not be refreshed", route=route.path, reason=problem.kind)
