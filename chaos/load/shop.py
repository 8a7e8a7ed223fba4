"""The shop as load sees it: one small asynchronous client for all shoppers, and every request it makes recorded."""

import asyncio
import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp

from chaos.load.record import Recording, Sample
from stormglass.runtime.errors import RuntimeFailure

TIMEOUT_SECONDS = 5.0
"""How long a shopper waits for an answer: more than the edge and the gateway take to give one up."""

FRESH = {"Cache-Control": "no-cache"}
"""What reads ask for: the gateways' cache would answer most, and it is the layers behind that are to be seen."""

_DEGRADED = "X-Stormglass-Degraded"
_PRODUCTS = re.compile(r"(?:^|,)\s*products;([^,]*)")


@dataclass(frozen=True, slots=True)
class Shopper:
    """One registered customer who is logged in; the token is good until `expires` (`time.time()`)."""

    email: str
    password: str = field(repr=False)
    expires: float
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status (0: none came) and JSON body of an answer, if it had one."""

    status: int
    body: Any = None


class Shop:
    """A client of the edge."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str) -> None:
        self._http = http
        self._base = base_url
        self.recording = Recording()

    @classmethod
    @asynccontextmanager
    async def open(cls, base_url: str) -> AsyncIterator[Self]:
        """A client with a pool of connections, closed at the end of the block."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
        ) as http:
            yield cls(http, base_url)

    async def ask(
        self, shopper: Shopper, route: str, path: str = "", *, json: Any = None, key: str = "", due: float | None = None
    ) -> Answer:
        """One recorded request. `route` is method and template (`GET /products/{id}`), `path` what is sent."""
        method, _, template = route.partition(" ")
        headers = {"Authorization": f"Bearer {shopper.token}", **({"Idempotency-Key": key} if key else FRESH)}
        begun = time.monotonic()
        status, error, cache, degraded, body = 0, "", "", "", None
        try:
            async with self._http.request(
                method, self._base + (path or template), json=json, headers=headers
            ) as response:
                status = response.status
                cache = _cache(response.headers.get("Cache-Status", ""))
                degraded = response.headers.get(_DEGRADED, "")
                text = await response.read()
                if "json" in response.content_type and text:
                    body = await response.json()
        except TimeoutError:
            error = f"no answer within {TIMEOUT_SECONDS:g} s"
        except aiohttp.ClientError as failure:
            error = type(failure).__name__
        if status >= 500 or status in {401, 429}:
            error = _reason(status, body)
        self.recording.samples.append(
            Sample(route, due or begun, begun, time.monotonic(), status, error, cache, degraded)
        )
        return Answer(0 if error and status < 400 else status, body)

    async def products(self) -> list[str]:
        """Ids of the catalogue's first hundred products; `RuntimeFailure` if there are none."""
        answer = await self._plain("GET", "/products?limit=100")
        found = [str(item["id"]) for item in answer["items"]]
        if not found:
            raise RuntimeFailure("the catalogue is empty: `stormglass catalogue` loads the one that comes with it")
        return found

    async def register(self) -> Shopper:
        """A new customer, logged in."""
        email, password = f"load-{secrets.token_hex(6)}@example.com", secrets.token_urlsafe(12)
        await self._plain("POST", "/users", {"email": email, "password": password, "name": "A shopper"})
        return await self.log_in(email, password)

    async def log_in(self, email: str, password: str) -> Shopper:
        """A customer, logged in (again); `RuntimeFailure` if that is refused or cannot be had."""
        answer = await self._plain("POST", "/tokens", {"email": email, "password": password})
        return Shopper(email, password, time.time() + float(answer["expires_in"]), answer["access_token"])

    async def knows(self, shopper: Shopper) -> bool:
        """Whether the shopper's token is still good."""
        headers = {"Authorization": f"Bearer {shopper.token}"}
        async with self._http.get(f"{self._base}/users/me", headers=headers) as response:
            return response.status == 200

    async def _plain(self, method: str, path: str, json: Any = None) -> Any:
        """A request that belongs to the preparation: not recorded, and repeated when the rate limit says later."""
        while True:
            try:
                async with self._http.request(method, self._base + path, json=json) as response:
                    if response.status < 400:
                        return await response.json()
                    if response.status != 429:
                        text = (await response.text())[:200]
                        raise RuntimeFailure(f"{method} {path} answered {response.status}: {text}")
                    wait = float(response.headers.get("Retry-After", "1"))
            except (aiohttp.ClientError, TimeoutError) as error:
                what = str(error) or type(error).__name__
                raise RuntimeFailure(f"{method} {self._base}{path}: {what}; `stormglass status` tells more") from error
            await asyncio.sleep(wait)


def _cache(status: str) -> str:
    """What the products service's cache did, from `Cache-Status` (RFC 9211); empty where it was not asked."""
    said = _PRODUCTS.search(status)
    return next((word for word in ("hit", "miss", "stale", "bypass") if said and word in said[1]), "")


def _reason(status: int, body: Any) -> str:
    """`503 upstream-unreachable` from a problem document, else the status alone."""
    kind = str(body.get("type", "")).rpartition(":")[2] if isinstance(body, dict) else ""
    return f"{status} {kind}".strip()
