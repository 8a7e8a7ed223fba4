"""Browser sessions and API keys: what they stand for is known to the users service, which is asked once a minute.

While it cannot be asked, those that it knew go on for ten minutes, or until they expire; others get a 503.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from opentelemetry import trace

from services.gateway.credentials.presented import Kind, Presented, Refused, refused
from services.gateway.credentials.verified import Verified, VerifiedCredentials, digest_of
from services.gateway.exchange import Exchange
from services.gateway.limits.limiter import Limiter
from stormglass.resilience.outage import Outage
from stormglass.security.identity import Identity
from stormglass.security.opaque import ApiKey, looks_like_secret
from stormglass.service import Problem
from stormglass.service.client import CallFailed
from stormglass.telemetry import names

FRESH_SECONDS = 60.0
"""How long an answer of the users service is believed: a revocation that Redis was not told of counts after it."""

STALE_SECONDS = 600.0
"""How long it is believed while the users service cannot be asked; revocations in Redis outlive it."""

OUTAGE_SECONDS = 1.0
"""How long the users service is not asked after a call failed."""

Ask = Callable[[Presented], Awaitable[Verified | None]]
"""Asks whom a credential stands for; None: nobody. Raises `CallFailed`."""


class AskedCredentials:
    """Verifies by asking; each credential once at a time, however many requests show it."""

    def __init__(self, ask: Ask, verified: VerifiedCredentials, limiter: Limiter) -> None:
        self._ask = ask
        self._verified = verified
        self._limiter = limiter
        self._outage = Outage(OUTAGE_SECONDS)
        self._asking: dict[bytes, asyncio.Task[Verified | None]] = {}

    async def __call__(self, exchange: Exchange, sent: Presented) -> Identity:
        """Whom a session or an API key stands for.

        Raises:
            Refused: 401, it stands for nobody.
            Problem: 503, nobody can tell; 429 from an address that sent too many bad ones.
        """
        if not _well_formed(sent):
            raise _nobody(sent)
        known = self._verified.get(sent)
        if known is not None and known.age < FRESH_SECONDS:
            return known.identity
        if known is None:
            self._limiter.check_refusals(exchange)
        try:
            found = await self._shared(sent)
        except CallFailed as error:
            return self._believed(known, error)
        if found is None:
            self._verified.forget(sent)
            raise _nobody(sent)
        self._verified.put(sent, found)
        return found.identity

    async def _shared(self, sent: Presented) -> Verified | None:
        """The answer to a question that others may be asking at this moment."""
        digest = digest_of(sent)
        task = self._asking.get(digest)
        if task is None:
            if not self._outage.worth_asking():
                raise CallFailed("users", "it did not answer a moment ago")
            task = self._asking[digest] = asyncio.create_task(self._once(sent))
            task.add_done_callback(partial(self._done, digest))
        # whoever goes away does not take the answer away from the others
        return await asyncio.shield(task)

    async def _once(self, sent: Presented) -> Verified | None:
        try:
            found = await self._ask(sent)
        except CallFailed:
            self._outage.failed()
            raise
        self._outage.answered()
        return found

    def _done(self, digest: bytes, task: "asyncio.Task[Verified | None]") -> None:
        del self._asking[digest]
        if not task.cancelled():
            task.exception()  # whoever waited may be gone: then nobody else would have looked at it

    @staticmethod
    def _believed(known: Verified | None, error: CallFailed) -> Identity:
        if known is None or known.age >= STALE_SECONDS or known.expires_at <= time.time():
            names.AUTH_FAILURES.counter().labels("cannot_ask").inc()
            detail = "credentials of this kind cannot be verified at the moment; try again"
            raise Problem(503, "credentials-unavailable", detail, headers={"Retry-After": "1"}) from error
        names.FALLBACKS.counter().labels("users", "remembered_credential").inc()
        trace.get_current_span().add_event("credential not verified again", {"reason": str(error)})
        return known.identity


def _well_formed(sent: Presented) -> bool:
    """Nobody need be asked about what cannot have been issued."""
    return ApiKey.parse(sent.text) is not None if sent.kind is Kind.API_KEY else looks_like_secret(sent.text)


def _nobody(sent: Presented) -> Refused:
    if sent.kind is Kind.API_KEY:
        return refused("bad_api_key", "invalid-api-key", "the API key is unknown, expired or revoked")
    return refused("bad_session", "invalid-session", "the session is unknown, expired or ended: log in again")
