"""Credentials that are no longer good although they have not expired: a short list in Redis that every gateway reads.

A credential is named by what stands behind it, never by its secret: `login:<uuid>` for a log-in with all its access
tokens or its browser session, `key:<uuid>` for an API key. Postgres holds the truth and is told first; Redis only has
to remember for as long as a gateway may still believe what it verified before.
"""

import uuid

from opentelemetry import trace
from redis.asyncio import Redis
from redis.exceptions import RedisError

from stormglass.telemetry import names
from stormglass.telemetry.logs import logger

SECONDS = 1200
"""How long an entry lives. A gateway believes an access token until it expires (900 s, and some clock skew), and
a session or a key that it cannot ask about for 600 s after a verification."""

DELAYED = "revocation-delayed"
"""Value of `X-Stormglass-Degraded` on an answer whose revocation Redis has not heard of yet. Until it has, sessions and
keys die when gateways verify them again (60 s), access tokens when they expire."""

_AT_ONCE = 500  # commands in one round trip: far below Redis' time-out

_log = logger(__name__)


def login(login_id: uuid.UUID) -> str:
    """The credential's name of a log-in."""
    return f"login:{login_id}"


def login_id(credential: str) -> uuid.UUID | None:
    """The log-in that a credential belongs to; None for API keys and for none at all."""
    kind, _, text = credential.partition(":")
    return uuid.UUID(text) if kind == "login" else None


def api_key(key_id: uuid.UUID) -> str:
    """The credential's name of an API key."""
    return f"key:{key_id}"


def key_of(credential: str) -> str:
    """The key in Redis that exists while `credential` is revoked."""
    return f"revoked:{credential}"


class Revocations:
    """Tells Redis of revocations that are committed elsewhere. `seconds`: at least what any verifier may believe."""

    def __init__(self, redis: Redis, seconds: int = SECONDS) -> None:
        self._redis = redis
        self._seconds = seconds

    async def revoke(self, *credentials: str) -> bool:
        """Revoke; False where Redis is away: then the answer says so (`DELAYED`), and Redis is told later."""
        try:
            await self.tell(*credentials)
        except (RedisError, OSError, TimeoutError) as error:
            names.FALLBACKS.counter().labels("redis", "delayed_revocation").inc()
            reason = type(error).__name__
            trace.get_current_span().add_event("revocation delayed", {"error.type": reason})
            _log.warning("revocation delayed", credentials=len(credentials), error=reason)
            return False
        return True

    async def tell(self, *credentials: str) -> None:
        """Tell Redis, whether or not it knows already; redis-py's errors pass."""
        for begin in range(0, len(credentials), _AT_ONCE):
            # every entry stands for itself: no transaction
            async with self._redis.pipeline(transaction=False) as pipeline:
                for credential in credentials[begin : begin + _AT_ONCE]:
                    # what is known is not written again: telling often costs no disk
                    pipeline.set(key_of(credential), b"", ex=self._seconds, nx=True)
                await pipeline.execute()
