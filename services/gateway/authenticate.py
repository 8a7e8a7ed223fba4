"""Stage 3: who is calling. One credential of three kinds, each verified by a module of its own."""

from collections.abc import Awaitable, Callable, Mapping

from services.gateway.credentials import forgery
from services.gateway.credentials.presented import REALM, Kind, Presented, Refused, presented
from services.gateway.exchange import Exchange
from services.gateway.limits.limiter import TooManyRefused
from services.gateway.route import Auth, Csrf, Route
from stormglass.security.identity import Identity
from stormglass.service import Problem
from stormglass.telemetry import names

Verify = Callable[[Exchange, Presented], Awaitable[Identity]]
"""Whom a credential stands for; `Refused` if nobody, another `Problem` if that cannot be told now."""


class Authenticator:
    """Turns a credential into the identity that services will see."""

    def __init__(self, verifiers: Mapping[Kind, Verify]) -> None:
        self._verifiers = verifiers

    async def __call__(self, exchange: Exchange, route: Route) -> None:
        """Set `exchange.identity` where the route looks at credentials.

        Raises:
            Refused: 400 or 401 with a challenge, the credential is not good.
            Problem: 401 none was sent, 403 it does not suffice or the request may be forged, 503 nobody can tell now.
        """
        if route.csrf is Csrf.ORIGIN:
            forgery.check_origin(exchange)
        if route.auth is Auth.NONE:
            return
        sent = presented(exchange)
        if sent is None:
            if route.auth is Auth.REQUIRED:
                raise _problem("missing", 401, "unauthenticated", "this needs a credential", REALM)
            return
        exchange.credential = sent.kind
        try:
            exchange.identity = await self._verifiers[sent.kind](exchange, sent)
        except (Refused, TooManyRefused):
            if sent.kind is Kind.SESSION and route.auth is Auth.OPTIONAL:
                # browsers send the cookie of a session that has ended until somebody tells them not to
                exchange.refused = True
                return
            raise
        if sent.kind is Kind.SESSION:
            _guard_session(exchange, route, sent.text)
        _check_scopes(route, exchange.identity)


def _guard_session(exchange: Exchange, route: Route, secret: str) -> None:
    if route.csrf is Csrf.TOKEN:
        forgery.check_origin(exchange)
        forgery.check_token(exchange, secret)
    if route.tells_csrf:
        forgery.tell_token(exchange, secret)


def _check_scopes(route: Route, identity: Identity) -> None:
    if missing := route.scopes - identity.scopes:
        wanted = " ".join(sorted(route.scopes))
        challenge = f'{REALM}, error="insufficient_scope", scope="{wanted}"'
        detail = f"the credential lacks the scope {' '.join(sorted(missing))}"
        raise _problem("insufficient_scope", 403, "insufficient-scope", detail, challenge)


def _problem(reason: str, status: int, kind: str, detail: str, challenge: str) -> Problem:
    names.AUTH_FAILURES.counter().labels(reason).inc()
    return Problem(status, kind, detail, headers={"WWW-Authenticate": challenge})
