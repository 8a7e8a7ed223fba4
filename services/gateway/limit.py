"""Stage 4: how often a caller may come: one round trip to Redis, atomic over all gateways; without Redis, locally."""

import asyncio
import math
import time
from collections.abc import Mapping

from opentelemetry import trace
from redis.exceptions import RedisError

from services.gateway.exchange import Exchange
from services.gateway.routes import Policy
from services.gateway.windows import Counter, Decision, LocalCounter, Window
from stormglass.service import Problem
from stormglass.telemetry import names
from stormglass.telemetry.logs import logger

OUTAGE_SECONDS = 1.0
"""How long Redis is not asked after it failed: then one request tries it, and only that one can pay the time-out."""

_log = logger(__name__)


class Limiter:
    """Counts with `shared`; while that fails, locally against this gateway's share of the quota."""

    def __init__(
        self, shared: Counter, policies: Mapping[str, Policy], *, replicas: int, timeout_seconds: float
    ) -> None:
        self._shared = shared
        self._policies = policies
        self._replicas = replicas
        self._timeout = timeout_seconds
        self._local = LocalCounter()
        self._away_until = 0.0
        self._away = False

    async def __call__(self, exchange: Exchange, policy: str) -> None:
        """Take one request from the caller's quota; the answer will say what is left.

        Raises:
            Problem: 429 with Retry-After.
        """
        decision = await self.take(self._policies[policy], exchange.caller)
        exchange.extra += headers(decision)
        if not decision.admitted:
            names.RATE_LIMITED.counter().labels(policy).inc()
            raise Problem(
                429,
                "rate-limited",
                f"more than {decision.quota} requests in {decision.policy.window} s",
                headers={"Retry-After": str(decision.reset)},
            )

    async def take(self, policy: Policy, caller: str) -> Decision:
        """Count one request of `caller`."""
        window = Window.of(policy, caller, time.time())
        count = await self._count(window.key, policy.window)
        quota = policy.quota
        if count is None:
            count = await self._local.incr(window.key, policy.window)
            quota = max(1, policy.quota // self._replicas)
        return Decision(policy, quota, count, max(1, math.ceil(window.left)))

    async def _count(self, key: str, expiry: int) -> int | None:
        """The count in Redis; None while it is away."""
        now = time.monotonic()
        if now < self._away_until:
            _tell("remembered outage")
            return None
        if self._away:
            # whoever comes while this request tries Redis again must not wait for the outcome too
            self._away_until = now + OUTAGE_SECONDS
        try:
            async with asyncio.timeout(self._timeout):
                count = await self._shared.incr(key, expiry)
        except (RedisError, OSError, TimeoutError) as error:
            if not self._away:
                _log.warning("rate limits are local", reason=f"{type(error).__name__}: {error}")
            self._away, self._away_until = True, time.monotonic() + OUTAGE_SECONDS
            _tell(type(error).__name__)
            return None
        if self._away:
            _log.info("rate limits are shared again")
            self._away, self._away_until = False, 0.0
        return count


def headers(decision: Decision) -> list[tuple[bytes, bytes]]:
    """The fields of draft-ietf-httpapi-ratelimit-headers-10, as structured fields."""
    name = decision.policy.name
    return [
        (b"ratelimit-policy", f'"{name}";q={decision.quota};w={decision.policy.window}'.encode()),
        (b"ratelimit", f'"{name}";r={decision.remaining};t={decision.reset}'.encode()),
    ]


def _tell(reason: str) -> None:
    names.FALLBACKS.counter().labels("redis", "local_limiter").inc()
    trace.get_current_span().add_event("rate limited locally", {"reason": reason})
