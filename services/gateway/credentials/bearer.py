"""Bearer tokens as RFC 6750 carries them and RFC 9068 shapes them, against the published keys."""

import re
import uuid

from services.gateway.credentials.presented import REALM, Kind, Presented, quotable, refused
from services.gateway.credentials.verified import Verified, VerifiedCredentials
from services.gateway.exchange import Exchange
from services.gateway.keys import Keys
from services.gateway.limits.limiter import Limiter
from stormglass.security import revocation, tokens
from stormglass.security.identity import Identity
from stormglass.security.tokens import AccessToken, InvalidToken
from stormglass.service import Problem
from stormglass.telemetry import names

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


class BearerTokens:
    """Verifies access tokens here, without asking anybody."""

    def __init__(self, keys: Keys, verified: VerifiedCredentials, limiter: Limiter) -> None:
        self._keys = keys
        self._verified = verified
        self._limiter = limiter

    async def __call__(self, exchange: Exchange, sent: Presented) -> Identity:
        """Whom the value of an Authorization header stands for.

        Raises:
            Refused: 401 with a challenge.
            Problem: 503 while there are no keys; 429 from an address that sent too many bad ones.
        """
        bearer = _BEARER.fullmatch(sent.text)
        if bearer is None:
            detail = "the Authorization header has no bearer token"
            raise refused("not_bearer", "unauthenticated", detail, REALM)
        # "Bearer" is spelt in many ways: what is remembered is the token
        token = Presented(Kind.BEARER, bearer[1])
        known = self._verified.get(token)
        if known is not None and self._keys.known(known.key_id) is not None:
            return known.identity
        self._limiter.check_refusals(exchange)
        try:
            verified = await self._verify(token.text)
        except InvalidToken as error:
            self._verified.forget(token)
            challenge = f'{REALM}, error="invalid_token", error_description="{quotable(str(error))}"'
            raise refused(error.reason, "invalid-token", str(error), challenge) from error
        self._verified.put(token, verified)
        return verified.identity

    async def _verify(self, token: str) -> Verified:
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
        identity = Identity(access.subject, access.scopes, credential=_credential(access))
        return Verified(identity, access.expires_at, key_id)


def _credential(access: AccessToken) -> str:
    try:
        return revocation.login(uuid.UUID(access.login_id)) if access.login_id else ""
    except ValueError as error:
        raise InvalidToken("bad_claims", "the token names no log-in") from error
