"""Stage 3: who is calling. A bearer token as RFC 6750 carries it and RFC 9068 shapes it, against the published keys."""

import re

from services.gateway.exchange import Exchange
from services.gateway.keys import Keys
from services.gateway.routes import Auth, Route
from services.gateway.verified import VerifiedTokens
from stormglass.security import tokens
from stormglass.security.identity import Identity
from stormglass.security.tokens import AccessToken, InvalidToken
from stormglass.service import Problem
from stormglass.telemetry import names

_BEARER = re.compile(rb"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
_REALM = 'Bearer realm="stormglass"'


class Authenticator:
    """Turns a bearer token into the identity that services will see."""

    def __init__(self, keys: Keys, verified: VerifiedTokens) -> None:
        self._keys = keys
        self._verified = verified

    async def __call__(self, exchange: Exchange, route: Route) -> None:
        """Set `exchange.identity` where the route looks at a token.

        Raises:
            Problem: 400, 401 or 403 with a challenge (RFC 6750, section 3), 503 while there are no keys.
        """
        if route.auth is Auth.NONE:
            return
        sent = exchange.values(b"authorization")
        if not sent:
            if route.auth is Auth.REQUIRED:
                raise _refused("missing", "unauthenticated", "this needs a bearer token", _REALM)
            return
        if len(sent) > 1:
            challenge = f'{_REALM}, error="invalid_request"'
            raise _refused("ambiguous", "bad-request", "more than one Authorization header", challenge, 400)
        bearer = _BEARER.fullmatch(sent[0])
        if bearer is None:
            raise _refused("not_bearer", "unauthenticated", "the Authorization header has no bearer token", _REALM)
        try:
            access = await self._access(bearer[1].decode("ascii"))
        except InvalidToken as error:
            challenge = f'{_REALM}, error="invalid_token", error_description="{_quotable(error)}"'
            raise _refused(error.reason, "invalid-token", str(error), challenge) from error
        exchange.identity = Identity(access.subject, access.scopes)
        if missing := route.scopes - access.scopes:
            wanted = " ".join(sorted(route.scopes))
            challenge = f'{_REALM}, error="insufficient_scope", scope="{wanted}"'
            detail = f"the token lacks the scope {' '.join(sorted(missing))}"
            raise _refused("insufficient_scope", "insufficient-scope", detail, challenge, 403)

    async def _access(self, token: str) -> AccessToken:
        known = self._verified.get(token, self._keys)
        if known is not None:
            return known
        key_id = tokens.key_id_of(token)
        key = await self._keys.find(key_id)
        if key is None:
            if self._keys.problem:
                names.AUTH_FAILURES.counter().labels("no_keys").inc()
                detail = "tokens cannot be verified at the moment; try again"
                raise Problem(503, "keys-unavailable", detail, headers={"Retry-After": "1"})
            raise InvalidToken("unknown_key", "the token names a key that is not published")
        access = tokens.verify(token, key)
        if access.subject.startswith("service:"):
            # only the platform's own processes speak under such a name, and they do not come in here
            raise InvalidToken("reserved_subject", "the token is for a subject that no user has")
        self._verified.put(token, access, key_id)
        return access


def _refused(reason: str, kind: str, detail: str, challenge: str, status: int = 401) -> Problem:
    names.AUTH_FAILURES.counter().labels(reason).inc()
    return Problem(status, kind, detail, headers={"WWW-Authenticate": challenge})


def _quotable(error: InvalidToken) -> str:
    """The error's text with only the characters that RFC 6750 allows in a description."""
    return re.sub(r"[^\x20\x21\x23-\x5b\x5d-\x7e]", "'", str(error))
