"""A read-through cache of response bytes in Redis, with stale answers for when the origin fails.

An entry is fresh for `ttl`, and kept for `stale` longer to be served if the origin cannot answer (stale-if-error,
RFC 5861). If Redis itself cannot be asked the origin is, and that is counted: a cache may cost time, never an answer.
Loads of the same key by the same process at the same time share one call to the origin.
"""

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from opentelemetry import trace
from redis.asyncio import Redis
from redis.exceptions import RedisError

from stormglass.telemetry import names
from stormglass.telemetry.logs import logger

Result = Literal["hit", "miss", "stale", "bypass"]

_log = logger(__name__)
_HEADER = struct.Struct(">d")


class OriginFailed(Exception):
    """The origin could not answer; a stale entry may be served instead."""


@dataclass(frozen=True, slots=True)
class Cached:
    """A value, how it was come by, and its age in seconds (0 when it was just loaded)."""

    value: bytes
    result: Result
    age: float


class Cache:
    """One cache, named for metrics and keys. `ttl` and `stale` are seconds."""

    def __init__(self, redis: Redis, name: str, *, ttl: float, stale: float) -> None:
        self._redis = redis
        self._name = name
        self._ttl = ttl
        self._keep_ms = int((ttl + stale) * 1000)
        self._loading: dict[str, asyncio.Task[bytes]] = {}

    def _key(self, key: str) -> str:
        return f"cache:{self._name}:{key}"

    async def get(self, key: str, load: Callable[[], Awaitable[bytes]]) -> Cached:
        """The value of `key`, from the cache or by `load()`.

        Raises:
            OriginFailed: the origin failed and there is no stale value either.
        """
        known, reachable = await self._read(key)
        if known is not None and known.age <= self._ttl:
            return self._counted(known)
        try:
            value = await self._load_once(key, load)
        except OriginFailed:
            if known is None:
                raise
            names.FALLBACKS.counter().labels("origin", "stale_cache").inc()
            trace.get_current_span().add_event("stale value served", {"cache": self._name, "age_seconds": known.age})
            return self._counted(Cached(known.value, "stale", known.age))
        return self._counted(Cached(value, "miss" if reachable else "bypass", 0.0))

    async def forget(self, *keys: str) -> None:
        """Drop entries because what they show has changed; if Redis is away they live on for their `ttl` at most."""
        try:
            await self._redis.delete(*(self._key(key) for key in keys))
        except (RedisError, OSError, TimeoutError) as error:
            self._unreachable("forget", error)

    async def _read(self, key: str) -> tuple[Cached | None, bool]:
        try:
            raw: bytes | None = await self._redis.get(self._key(key))
        except (RedisError, OSError, TimeoutError) as error:
            self._unreachable("read", error)
            return None, False
        if raw is None or len(raw) < _HEADER.size:
            return None, True
        (stored,) = _HEADER.unpack_from(raw)
        return Cached(raw[_HEADER.size :], "hit", max(0.0, time.time() - stored)), True

    async def _load_once(self, key: str, load: Callable[[], Awaitable[bytes]]) -> bytes:
        task = self._loading.get(key)
        if task is None:
            task = asyncio.ensure_future(self._load(key, load))
            self._loading[key] = task
            task.add_done_callback(lambda _: self._loading.pop(key, None))
        # one impatient caller must not cancel the load for the others
        return await asyncio.shield(task)

    async def _load(self, key: str, load: Callable[[], Awaitable[bytes]]) -> bytes:
        origin = names.CACHE_ORIGIN.counter()
        try:
            value = await load()
        except BaseException:
            origin.labels(self._name, "failed").inc()
            raise
        origin.labels(self._name, "loaded").inc()
        try:
            await self._redis.set(self._key(key), _HEADER.pack(time.time()) + value, px=self._keep_ms)
        except (RedisError, OSError, TimeoutError) as error:
            self._unreachable("write", error)
        return value

    def _counted(self, cached: Cached) -> Cached:
        names.CACHE_REQUESTS.counter().labels(self._name, cached.result).inc()
        span = trace.get_current_span()
        span.set_attribute(f"cache.{self._name}.result", cached.result)
        return cached

    def _unreachable(self, what: str, error: Exception) -> None:
        names.FALLBACKS.counter().labels("redis", "origin").inc()
        trace.get_current_span().add_event(
            "cache unreachable", {"cache": self._name, "operation": what, "error.type": type(error).__name__}
        )
        _log.warning("cache unreachable", cache=self._name, operation=what, error=type(error).__name__)
