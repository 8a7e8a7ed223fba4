"""A read-through cache of response bytes in Redis, with stale answers for when the origin fails.

An entry is fresh for `ttl`, and kept for `stale` longer to be served if the origin cannot answer (stale-if-error,
RFC 5861), or has not within `patience`: then the load goes on and its answer is for the next reader. If Redis itself
cannot be asked the origin is, and that is counted: a cache may cost time, never an answer. An outage is remembered for
`OUTAGE_SECONDS`, so that its time-out is not paid by every read.
Loads of the same key by the same process at the same time share one call to the origin.

A value that was loaded before a change is neither stored nor shared after it, whichever process did the one and the
other: a load begins with a lease (the idea is memcached's at Facebook, NSDI 2013), `forget()` ends it, and only who
has the lease of now may store.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from opentelemetry import trace
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from stormglass.data.envelope import seal, unseal
from stormglass.resilience.outage import Outage
from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.telemetry import names
from stormglass.telemetry.logs import logger

Result = Literal["hit", "miss", "stale", "bypass"]

_log = logger(__name__)

OUTAGE_SECONDS = 1.0
"""For how long Redis is not asked again after it failed: about a health check's interval."""


LEASE_SECONDS = 60
"""How long a load may take for its value to be stored."""

_STORE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3]) end"


class OriginFailed(DependencyUnavailable):
    """The origin could not answer; a stale entry may be served instead. A database's own error does as well."""

    def __init__(self, reason: str = "it did not answer") -> None:
        super().__init__("origin", reason)


@dataclass(frozen=True, slots=True)
class Cached:
    """A value, how it was come by, and its age in seconds (0 when it was just loaded)."""

    value: bytes
    result: Result
    age: float


class Cache:
    """One cache, named for metrics and keys. `ttl`, `stale` and `patience` are seconds.

    `patience` stays below the internal balancer's wait for a first header (1 s), so that the stale answer is in time.
    """

    def __init__(self, redis: Redis, name: str, *, ttl: float, stale: float, patience: float = 0.6) -> None:
        self._redis = redis
        self._name = name
        self._ttl = ttl
        self._patience = patience
        self._keep_ms = int((ttl + stale) * 1000)
        self._loading: dict[tuple[str, bytes], asyncio.Task[bytes]] = {}
        """Loads under way, by key and lease (empty where Redis gave none)."""
        self._outage = Outage(OUTAGE_SECONDS)

    def _key(self, key: str) -> str:
        return f"cache:{self._name}:{key}"

    def _lease_key(self, key: str) -> str:
        return f"lease:{self._name}:{key}"

    async def get(self, key: str, load: Callable[[], Awaitable[bytes]]) -> Cached:
        """The value of `key`, from the cache or by `load()`.

        Raises:
            DependencyUnavailable: the origin failed and there is no stale value either.
        """
        known, reachable = await self._read(key)
        if known is not None and known.age <= self._ttl:
            return self._counted(known)
        lease = await self._lease(key) if reachable else b""
        try:
            async with asyncio.timeout(None if known is None else self._patience):
                value = await self._load_once(key, lease, load)
        except (DependencyUnavailable, TimeoutError):
            if known is None:
                raise
            names.FALLBACKS.counter().labels("origin", "stale_cache").inc()
            trace.get_current_span().add_event("stale value served", {"cache": self._name, "age_seconds": known.age})
            return self._counted(Cached(known.value, "stale", known.age))
        return self._counted(Cached(value, "miss" if reachable else "bypass", 0.0))

    async def forget(self, *keys: str) -> None:
        """Drop entries because what they show has changed; if Redis is away they live on for their `ttl` at most.

        Loads that have begun already are not stored either: they may have read what was true before.
        """
        if not keys:
            return
        for begun in [each for each in self._loading if each[0] in keys]:
            del self._loading[begun]
        try:
            # tried even while Redis is known to be away: a wrong answer costs more than a time-out
            await self._redis.delete(*map(self._lease_key, keys), *map(self._key, keys))
        except (RedisError, OSError, TimeoutError) as error:
            self._unreachable("forget", error)

    async def _read(self, key: str) -> tuple[Cached | None, bool]:
        """The entry of `key`, fresh or stale, and whether Redis answered."""
        if not self._outage.worth_asking():
            return None, False
        try:
            raw: bytes | None = await self._redis.get(self._key(key))
        except ResponseError as error:
            # Redis is there and refuses this read: another type is stored under the key
            self._unusable(key, str(error))
            raw = None
        except (RedisError, OSError, TimeoutError) as error:
            self._unreachable("read", error)
            return None, False
        self._outage.answered()
        if raw is None:
            return None, True
        entry = unseal(raw)
        if entry is None:
            self._unusable(key, "not an entry of this cache")
            return None, True
        value, age = entry
        return Cached(value, "hit", age), True

    async def _lease(self, key: str) -> bytes:
        """What gives the right to store the value that is loaded from now on; empty if it cannot be had."""
        mine = secrets.token_bytes(8)
        try:
            theirs: bytes | None = await self._redis.set(
                self._lease_key(key), mine, nx=True, get=True, ex=LEASE_SECONDS
            )
        except (RedisError, OSError, TimeoutError) as error:
            self._unreachable("lease", error)
            return b""
        return theirs or mine

    async def _load_once(self, key: str, lease: bytes, load: Callable[[], Awaitable[bytes]]) -> bytes:
        # a load with another lease may have begun before a change that this caller has heard of
        task = self._loading.get((key, lease))
        if task is None:
            task = asyncio.create_task(self._load(key, lease, load))
            self._loading[key, lease] = task
            task.add_done_callback(lambda done: self._loaded(key, lease, done))
        # one impatient caller must not cancel the load for the others
        return await asyncio.shield(task)

    def _loaded(self, key: str, lease: bytes, task: asyncio.Task[bytes]) -> None:
        if self._loading.get((key, lease)) is task:
            del self._loading[key, lease]
        if not task.cancelled():
            task.exception()  # seen: everybody may have lost patience, and asyncio complains about what nobody saw

    async def _load(self, key: str, lease: bytes, load: Callable[[], Awaitable[bytes]]) -> bytes:
        origin = names.CACHE_ORIGIN.counter()
        try:
            value = await load()
        except BaseException:
            origin.labels(self._name, "failed").inc()
            raise
        origin.labels(self._name, "loaded").inc()
        # forgotten by this process meanwhile: Redis may have been away then, and not know of it
        wanted = self._loading.get((key, lease)) is asyncio.current_task()
        if lease and wanted and self._outage.worth_asking():
            await self._write(key, lease, value)
        return value

    async def _write(self, key: str, lease: bytes, value: bytes) -> None:
        try:
            # not by its hash: a script that Redis has forgotten would be an error in the trace of whoever comes first
            keys = (self._lease_key(key), self._key(key))
            await self._redis.execute_command("EVAL", _STORE, 2, *keys, lease, seal(value), self._keep_ms)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        except (RedisError, OSError, TimeoutError) as error:
            self._unreachable("write", error)
        else:
            self._outage.answered()

    def _counted(self, cached: Cached) -> Cached:
        names.CACHE_REQUESTS.counter().labels(self._name, cached.result).inc()
        if cached.result == "bypass":
            names.FALLBACKS.counter().labels("redis", "origin").inc()
        span = trace.get_current_span()
        span.set_attribute(f"cache.{self._name}.result", cached.result)
        return cached

    def _unreachable(self, what: str, error: Exception) -> None:
        if not isinstance(error, ResponseError):  # out of memory or read-only: reads are still answered
            self._outage.failed()
        trace.get_current_span().add_event(
            "cache unreachable", {"cache": self._name, "operation": what, "error.type": type(error).__name__}
        )
        _log.warning("cache unreachable", cache=self._name, operation=what, error=type(error).__name__)

    def _unusable(self, key: str, reason: str) -> None:
        trace.get_current_span().add_event("cache entry unusable", {"cache": self._name})
        _log.warning("cache entry unusable", cache=self._name, key=key, reason=reason)
