"""Whether a credential that looks good was revoked since: the list is in Redis, shared by all gateways.

While Redis is away nobody can tell: access tokens go on until they expire (15 minutes at most), sessions and API keys
until the users service is asked about them again (a minute at most).
"""

from collections.abc import Sequence
from typing import Any

from opentelemetry import trace

from services.gateway.roundtrip import Command
from stormglass.security.identity import Identity
from stormglass.security.revocation import key_of
from stormglass.telemetry import names


class Revoked:
    """The question about the credential behind `identity`, if there is one that can be revoked."""

    def __init__(self, identity: Identity | None) -> None:
        self._credential = identity.credential if identity else ""
        self._known: bool | None = None

    def commands(self) -> Sequence[Command]:
        """Is it on the list?"""
        return (("EXISTS", key_of(self._credential)),) if self._credential else ()

    def answered(self, replies: Sequence[Any]) -> None:
        """Take the answer; an error in its place is none."""
        if replies and isinstance(replies[0], int):
            self._known = bool(replies[0])

    def __bool__(self) -> bool:
        """Whether it is known to be revoked."""
        if self._credential and self._known is None:
            names.FALLBACKS.counter().labels("redis", "revocation_unchecked").inc()
            trace.get_current_span().add_event("revocation not checked")
        return bool(self._known)
