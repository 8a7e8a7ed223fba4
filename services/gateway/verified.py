"""Tokens that were verified before: what they said, until they expire or their key is withdrawn."""

import time
from collections import OrderedDict

from services.gateway.keys import Keys
from stormglass.security.tokens import AccessToken
from stormglass.telemetry import names


class VerifiedTokens:
    """At most `size` tokens, the least recently used goes first. Verifying EdDSA costs 0.3 ms, this a look-up."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._tokens: OrderedDict[str, tuple[AccessToken, str]] = OrderedDict()
        counter = names.TOKEN_CACHE.counter()
        self._hits, self._misses = counter.labels("hit"), counter.labels("miss")

    def get(self, token: str, keys: Keys) -> AccessToken | None:
        """What `token` says, if it was verified, has not expired, and its key is still published."""
        entry = self._tokens.get(token)
        if entry is None:
            self._misses.inc()
            return None
        access, key_id = entry
        if access.expires_at <= time.time() or keys.known(key_id) is None:
            del self._tokens[token]
            self._misses.inc()
            return None
        self._tokens.move_to_end(token)
        self._hits.inc()
        return access

    def put(self, token: str, access: AccessToken, key_id: str) -> None:
        """Remember a token that was verified with the key `key_id`."""
        self._tokens[token] = (access, key_id)
        if len(self._tokens) > self._size:
            self._tokens.popitem(last=False)
