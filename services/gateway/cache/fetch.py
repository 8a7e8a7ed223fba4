"""Fetching a resource for everybody, and storing it if the service lets us."""

import time
from dataclasses import dataclass

from services.gateway.cache.groups import GROUPS, group_ids
from services.gateway.cache.policy import CachePolicy
from services.gateway.cache.store import Lookup, Store
from services.gateway.cache.stored import INSIDE, Stored
from services.gateway.cache.terms import initial_age, terms
from services.gateway.exchange import Exchange, Headers
from services.gateway.forward import Forwarder
from services.gateway.route import Route
from services.gateway.upstream import Call
from services.gateway.whole import Whole, read_whole
from stormglass.telemetry import names

LONGEST_BYTES = 4 * 1024 * 1024
"""Longest answer of a route with a cache: it is held as a whole, also where it is too long to be stored."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer as a client may get it; `status` is the service's own (304 for a validation), `detail` says `stored` or
    why not.
    """  # noqa: D205 - one sentence

    whole: Whole
    status: int
    detail: str


class Fetch:
    """Asks the services on nobody's behalf."""

    def __init__(self, forward: Forwarder, store: Store) -> None:
        self._forward = forward
        self._store = store

    async def __call__(
        self, exchange: Exchange, route: Route, call: Call, policy: CachePolicy, known: Lookup
    ) -> Fetched:
        """The service's answer now, stored if it may be; `known` is the look-up after which the fetch begins.

        Raises:
            Problem: there is none; see `Forwarder.open()`.
        """
        stored = known.reply.stored if known.reply else None
        begun = time.monotonic()
        origin = names.CACHE_ORIGIN.counter()
        try:
            async with self._forward.open(exchange, route, _impersonal(call, policy, stored)) as answer:
                whole = await read_whole(answer, LONGEST_BYTES)
                inside = [(name.lower(), value) for name, value in answer.headers if name.lower() in INSIDE]
        except BaseException:
            origin.labels("gateway", "failed").inc()
            self._store.release(known)
            raise
        origin.labels("gateway", "failed" if whole.status >= 500 else "loaded").inc()
        status, headers, body = whole.status, [*whole.headers, *inside], whole.body
        if status == 304 and stored is not None:
            status, headers, body = stored.status, stored.updated(headers), stored.body
        detail = await self._keep(route, call, policy, known, Whole(status, headers, body), time.monotonic() - begun)
        return Fetched(Whole(status, _outside(headers), body), whole.status, detail)

    async def _keep(
        self, route: Route, call: Call, policy: CachePolicy, known: Lookup, whole: Whole, delay: float
    ) -> str:
        """Store an answer with all its fields; `stored`, or why it was not."""
        found = terms(whole.status, whole.headers, policy)
        if isinstance(found, str):
            self._store.release(known)
            return found
        groups = group_ids(route.upstream, call.target, whole.headers, GROUPS)
        stored = Stored(whole.status, whole.headers, whole.body, found)
        return (
            "stored" if await self._store.put(known, stored, initial_age(whole.headers, delay), groups) else "unstored"
        )


def _impersonal(call: Call, policy: CachePolicy, stored: Stored | None) -> Call:
    """The call without anything of the client's that is not part of the key; with the validators of what is stored."""
    allowed = {*policy.vary, "x-request-id"}
    sent = [(name, value) for name, value in call.headers if name.lower() in allowed]
    return Call(call.method, call.target, [*sent, *(stored.validators if stored else ())])


def _outside(headers: Headers) -> Headers:
    return [(name, value) for name, value in headers if name not in INSIDE]
