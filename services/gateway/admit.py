"""Stage 4: the round trip to Redis: is the credential revoked, is the caller within its limits?

A request makes it at most once, whatever becomes of it; what other stages want to know is asked along.
"""

from collections.abc import Sequence
from functools import partial

from services.gateway.credentials.presented import Kind, refused
from services.gateway.credentials.revoked import Revoked
from services.gateway.exchange import Exchange
from services.gateway.limits.limiter import Limiter
from services.gateway.limits.take import Take
from services.gateway.roundtrip import Question, RoundTrip
from services.gateway.route import REFUSED, Auth, Route


class Admission:
    """Asks once, and refuses who may not go on."""

    def __init__(self, roundtrip: RoundTrip, limiter: Limiter) -> None:
        self._roundtrip = roundtrip
        self._limiter = limiter

    async def __call__(self, exchange: Exchange, route: Route, *also: Question) -> None:
        """Admit a request; `also` are other stages' questions, which find their answers in themselves.

        Raises:
            Refused: 401, the credential was revoked.
            Problem: 429.
        """
        taken = self._limiter.take(exchange, *route.limits)
        # a stale session where none is needed: the request goes on, and counts like any other bad credential
        noted = self._limiter.take(exchange, REFUSED) if exchange.refused else []
        revoked = Revoked(exchange.identity)
        await self._roundtrip.ask([*taken, *noted, revoked, *also])
        self._note_failures(exchange, taken)
        decisions = self._limiter.decide(exchange, taken)
        for take in noted:
            self._limiter.decision(take)
        if revoked:
            _end(exchange, route)
        self._limiter.enforce(decisions)

    async def refused(self, exchange: Exchange) -> None:
        """Count a request whose credential is not good.

        Raises:
            Problem: 429.
        """
        taken = self._limiter.take(exchange, REFUSED)
        await self._roundtrip.ask(taken)
        self._limiter.enforce(self._limiter.decide(exchange, taken))

    def settle(self, exchange: Exchange) -> None:
        """At the end: give back what only failures count against, where the answer is none."""
        if exchange.status and not 400 <= exchange.status < 500:
            for give_back in exchange.unless_refused:
                give_back()

    def _note_failures(self, exchange: Exchange, taken: Sequence[Take]) -> None:
        for take in taken:
            if take.policy.failures_only:
                shared = take.count is not None
                exchange.unless_refused.append(
                    partial(self._roundtrip.along, *take.give_back())
                    if shared
                    else partial(self._limiter.give_back_locally, take)
                )


def _end(exchange: Exchange, route: Route) -> None:
    """What a revoked credential is worth: as much as none, where a stale session does not matter."""
    if exchange.credential == Kind.SESSION and route.auth is Auth.OPTIONAL:
        exchange.identity = None
        return
    raise refused("revoked", "invalid-token", "the credential was revoked: log in again")
