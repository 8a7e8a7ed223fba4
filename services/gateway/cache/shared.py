"""Stage 5 of a route with a cache: an answer out of the shared cache, or the service's, stored on its way.

`SharedCache.__call__` reads in the order in which things are tried.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.gateway.cache.failing import ERRORS, Failing, lasts, outlived
from services.gateway.cache.fetch import Fetch
from services.gateway.cache.groups import identifier
from services.gateway.cache.invalidation import Invalidation
from services.gateway.cache.passing import passes_by
from services.gateway.cache.policy import CachePolicy
from services.gateway.cache.refresh import Refresher
from services.gateway.cache.status import Did, forwarded, passed_by, served
from services.gateway.cache.store import Lookup, Reply, Store
from services.gateway.cache.vary import presented
from services.gateway.cache.waiting import Waiting
from services.gateway.cache.wanted import Wanted
from services.gateway.exchange import Exchange
from services.gateway.matching import Match
from services.gateway.normalise import Target
from services.gateway.route import Route
from services.gateway.upstream import Call
from services.gateway.whole import Whole
from stormglass.service import Problem
from stormglass.telemetry import names


class SharedCache:
    """Answers requests of routes that have a `CachePolicy`."""

    def __init__(self, store: Store, fetch: Fetch, invalidation: Invalidation) -> None:
        self._store = store
        self._fetch = fetch
        self._invalidation = invalidation
        self._waiting = Waiting(store)
        self._failing = Failing()
        self._refresher = Refresher(store, fetch)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """What it does beside requests, while a block runs."""
        retrying = asyncio.create_task(self._invalidation.run())
        try:
            yield
        finally:
            retrying.cancel()
            await asyncio.gather(retrying, self._refresher.close(), return_exceptions=True)

    def question(self, exchange: Exchange, match: Match, target: Target) -> Lookup | None:
        """What to ask Redis about a request; None if it is none of the cache's business."""
        policy = match.route.cache
        if policy is None:
            return None
        # while Redis has yet to hear of a change, what it has is not to be relied on
        why = "bypass" if self._invalidation.pending else passes_by(exchange, policy, target)
        if why:
            passed_by(exchange, why)
            return None
        key = identifier(match.route.upstream, match.target, target.query)
        return self._store.look_up(key, presented(exchange.headers, policy.vary))

    async def __call__(self, exchange: Exchange, route: Route, call: Call, lookup: Lookup) -> Whole:
        """The answer to a request; `lookup` is its question, asked.

        Raises:
            Problem: the service has no answer and the cache neither; 504 where the client wanted a cached one only.
        """
        assert route.cache is not None  # noqa: S101 - there is no question else; for the type checker
        wanted, reply = Wanted.of(exchange.headers), lookup.reply
        if reply is not None and (fresh := _fresh(exchange, wanted, reply, Did.HIT)):
            return fresh
        if reply is not None and (stale := _revalidating(exchange, wanted, reply)):
            self._refresher.begin(exchange, route, call, route.cache, lookup)
            return stale
        if wanted.only_if_cached:
            raise Problem(504, "not-cached", "there is no stored answer, and the request wants no other")
        if reply is None:
            names.FALLBACKS.counter().labels("redis", "origin").inc()
            return await self._asked(exchange, route, call, lookup, Did.BYPASS)
        if wanted.fresh_from_origin:
            return await self._asked(exchange, route, call, lookup, Did.REQUEST)
        return await self._missed(exchange, route, call, lookup, wanted)

    async def _missed(self, exchange: Exchange, route: Route, call: Call, lookup: Lookup, wanted: Wanted) -> Whole:
        """Fetch it, or wait for whoever does; where the service fails, what there is will do."""
        outage, known = self._failing.of(route), lookup.reply
        if lasts(known) and not outage.worth_asking():
            return outlived(exchange, route, known)
        claim = await self._claim(lookup)
        known = claim.reply
        if known is not None and (fresh := _fresh(exchange, wanted, known, Did.COLLAPSED)):
            outage.answered()
            return fresh
        try:
            whole = await self._asked(exchange, route, call, claim, Did.MISS)
        except Problem as problem:
            if problem.status not in ERRORS:
                raise
            outage.failed()
            if not lasts(known):
                raise
            return outlived(exchange, route, known)
        if whole.status not in ERRORS:
            outage.answered()
            return whole
        outage.failed()
        return outlived(exchange, route, known) if lasts(known) else whole

    async def _claim(self, lookup: Lookup) -> Lookup:
        """Become the resource's fetcher, or wait for the one there is and see what came of it."""
        if not self._waiting.worth_it(lookup.key):
            return lookup
        claim = await self._store.claim(lookup)
        if claim.reply is None or claim.reply.claimed or _fresh_at_all(claim.reply):
            return claim
        await self._waiting.until_fetched(lookup.key)
        return await self._store.claim(lookup)

    async def _asked(self, exchange: Exchange, route: Route, call: Call, known: Lookup, did: Did) -> Whole:
        policy: CachePolicy = route.cache  # type: ignore[assignment]  # `__call__` has seen to it
        try:
            fetched = await self._fetch(exchange, route, call, policy, known)
        except Problem:
            self._waiting.learn(known.key, shared=False)
            raise
        self._waiting.learn(known.key, shared=fetched.detail in {"stored", "unstored"})
        why = did.value if did is not Did.MISS or known.reply is None else _why(known.reply)
        how = Did.VALIDATED if fetched.status == 304 else did
        return forwarded(exchange, fetched.whole, how, why, fetched.status, fetched.detail)


def _why(reply: Reply) -> str:
    if reply.stored is not None:
        # what is fresh and was not used was not good enough for the client
        return "request" if _fresh_at_all(reply) else "stale"
    return "vary-miss" if reply.variants else "miss"


def _fresh_at_all(reply: Reply) -> bool:
    return reply.stored is not None and reply.age < reply.stored.terms.lifetime


def _fresh(exchange: Exchange, wanted: Wanted, reply: Reply, did: Did) -> Whole | None:
    stored = reply.stored
    if stored is None or not _fresh_at_all(reply) or not wanted.content_with(reply.age, stored.terms.lifetime):
        return None
    return served(exchange, stored.answer(reply.age), did, stored.terms.lifetime - reply.age)


def _revalidating(exchange: Exchange, wanted: Wanted, reply: Reply) -> Whole | None:
    stored = reply.stored
    if stored is None or not wanted.takes_stale:
        return None
    if _fresh_at_all(reply) or reply.age > stored.terms.lifetime + stored.terms.while_revalidate:
        return None
    return served(exchange, stored.answer(reply.age), Did.REVALIDATING, stored.terms.lifetime - reply.age)
