"""Credentials that were verified before: whom they stand for, until they expire. Never the credentials themselves."""

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from services.gateway.credentials.presented import Presented
from stormglass.security.identity import Identity
from stormglass.telemetry import names


@dataclass(frozen=True, slots=True)
class Verified:
    """Whom a credential stands for; `key_id` names the key that signed it, if it is a token.

    `expires_at` is in seconds since the epoch, `checked_at` on the clock of `time.monotonic()`.
    """

    identity: Identity
    expires_at: float
    key_id: str = ""
    checked_at: float = field(default_factory=time.monotonic)

    @property
    def age(self) -> float:
        """Seconds since it was verified."""
        return time.monotonic() - self.checked_at


class VerifiedCredentials:
    """At most `size` of them, by SHA-256; the least recently used goes first.

    Verifying a token costs 0.3 ms and the others a call to the users service, this costs a look-up.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: OrderedDict[bytes, Verified] = OrderedDict()
        counter = names.TOKEN_CACHE.counter()
        self._hits, self._misses = counter.labels("hit"), counter.labels("miss")

    def get(self, sent: Presented) -> Verified | None:
        """Whom `sent` stands for, if it was verified and has not expired."""
        digest = digest_of(sent)
        known = self._known.get(digest)
        if known is not None and known.expires_at <= time.time():
            del self._known[digest]
            known = None
        if known is None:
            self._misses.inc()
            return None
        self._known.move_to_end(digest)
        self._hits.inc()
        return known

    def put(self, sent: Presented, verified: Verified) -> None:
        """Remember what `sent` stands for."""
        digest = digest_of(sent)
        self._known[digest] = verified
        self._known.move_to_end(digest)
        if len(self._known) > self._size:
            self._known.popitem(last=False)

    def forget(self, sent: Presented) -> None:
        """`sent` turned out to be no longer good."""
        self._known.pop(digest_of(sent), None)


def digest_of(sent: Presented) -> bytes:
    """What a credential is remembered under; a text of one kind is never taken for one of another."""
    return hashlib.sha256(f"{sent.kind}:{sent.text}".encode()).digest()
