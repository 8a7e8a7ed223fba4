"""The public keys that access tokens are verified with: fetched from the users service, kept, refreshed in time.

The last good set stays in use for as long as no newer one can be had: an outage of the users service stops log-ins,
not the callers who are logged in. A key that the service no longer publishes is gone at the next refresh.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from opentelemetry.instrumentation.utils import suppress_instrumentation

from stormglass.resilience.backoff import backoff
from stormglass.security.tokens import public_keys
from stormglass.telemetry import names
from stormglass.telemetry.logs import logger

PATH = "/.well-known/jwks.json"
FETCH_SECONDS = 2.0
REFRESH_AT = 0.75
"""Share of the keys' lifetime after which they are fetched again."""

UNKNOWN_SECONDS = 5.0
"""Shortest time between two fetches that unknown key ids cause: anybody can make key ids up."""

Fetch = Callable[[], Awaitable[tuple[Mapping[str, Any], float]]]
"""Gets a JWK set and its lifetime in seconds."""

_MAX_AGE = re.compile(r"max-age=(\d{1,9})")
_log = logger(__name__)


class Keys:
    """The current key set. `run()` keeps it fresh in the background; `find()` is what requests use."""

    def __init__(self, fetch: Fetch, *, longest: float) -> None:
        self._fetch = fetch
        self._longest = longest
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._lifetime = longest
        self._last_error = "they were not fetched yet"
        self._asked = float("-inf")
        self._fetching: asyncio.Task[bool] | None = None

    @property
    def problem(self) -> str:
        """Why no token can be verified; empty if tokens can."""
        return "" if self._keys else f"no keys from the users service: {self._last_error}"

    def known(self, key_id: str) -> Ed25519PublicKey | None:
        """The key of this id, if it is in the current set."""
        return self._keys.get(key_id)

    async def find(self, key_id: str) -> Ed25519PublicKey | None:
        """The key of this id; one that is unknown is asked for, unless somebody did within `UNKNOWN_SECONDS`."""
        key = self._keys.get(key_id)
        if key is not None:
            return key
        if self._fetching is not None or time.monotonic() - self._asked >= UNKNOWN_SECONDS:
            await asyncio.shield(self._refresh())
        return self._keys.get(key_id)

    async def run(self) -> None:
        """Fetch now, then again ahead of the keys' expiry, for ever; after a failure soon again, with backoff."""
        failures = 0
        while True:
            failures = 0 if await asyncio.shield(self._refresh()) else failures + 1
            if failures:
                # without any keys this gateway is not ready: it must notice soon that the users service has started
                await asyncio.sleep(0.1 + backoff(failures, cap=5.0 if self._keys else 0.5))
            else:
                await asyncio.sleep(max(1.0, self._lifetime * REFRESH_AT))

    def _refresh(self) -> "asyncio.Task[bool]":
        """The fetch that is under way: whoever needs one at the same time shares it."""
        if self._fetching is None:
            self._asked = time.monotonic()
            self._fetching = asyncio.create_task(self._once())
            self._fetching.add_done_callback(self._forget)
        return self._fetching

    def _forget(self, _task: "asyncio.Task[bool]") -> None:
        self._fetching = None

    async def _once(self) -> bool:
        asked = time.time()
        try:
            # neither polling nor a made-up key id may fill the trace store with root spans
            with suppress_instrumentation():
                jwks, lifetime = await self._fetch()
            keys = _usable(jwks)
        except Exception as error:  # noqa: BLE001 - whatever was wrong with the answer, the last good keys stay
            self._last_error = f"{type(error).__name__}: {error}"
            if self._keys:
                names.FALLBACKS.counter().labels("users", "last_good_keys").inc()
            _log.warning("keys not refreshed", reason=self._last_error, kept=len(self._keys))
            return False
        if keys.keys() != self._keys.keys():
            _log.info("keys changed", keys=sorted(keys))
        self._keys, self._lifetime, self._last_error = keys, min(lifetime, self._longest), ""
        names.KEYS_REFRESHED.gauge().set(asked)
        return True


def _usable(jwks: Mapping[str, Any]) -> dict[str, Ed25519PublicKey]:
    keys = public_keys(jwks)
    if not keys:
        raise ValueError("the key set has no usable key")
    return keys


def fetch_from(session: aiohttp.ClientSession, base: str) -> Fetch:
    """Fetching over HTTP; the lifetime is the answer's `max-age`."""

    async def fetch() -> tuple[Mapping[str, Any], float]:
        # a trace that says "not sampled": otherwise the load balancer would begin one for every refresh
        headers = {
            "traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00",
            "Accept-Encoding": "identity",
        }
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        async with session.get(base + PATH, headers=headers, timeout=timeout, allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError(f"GET {PATH} answered {response.status}")
            age = _MAX_AGE.search(response.headers.get("Cache-Control", ""))
            return await response.json(content_type=None), float(age[1]) if age else float("inf")

    return fetch
