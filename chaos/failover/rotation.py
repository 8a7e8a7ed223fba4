"""Which replicas the load balancer sends requests to, from moment to moment, and what made it change its mind.

Traefik tells two things: the gauge `traefik_service_server_up`, which follows both kinds of health check, and the state
in its API, which follows the active one alone. A replica that is out by the gauge and up by the API was ejected by the
passive check: by requests of users that failed.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp

from stormglass.runtime.instance import Instance

EVERY_SECONDS = 0.1
"""Between two looks: the metrics are a hundred kilobytes, and rendering them is work for the balancer too."""

_UP = re.compile(r'^traefik_service_server_up\{service="([^"@]+)@file"[^}]*\} (\d)', re.MULTILINE)
_REQUESTS = re.compile(r'^traefik_service_requests_total\{[^}]*service="([^"@]+)@file"[^}]*\} (\S+)', re.MULTILINE)

ACTIVE, PASSIVE = "active check", "passive check"


@dataclass(frozen=True, slots=True)
class Change:
    """A replica left the rotation or came back. `at` is `time.monotonic()`; `by` says which check took it out."""

    at: float
    replica: str
    up: bool
    by: str = ""


@dataclass
class Rotation:
    """What the balancer has said so far. `requests` counts what it sent to each replica since it started."""

    up: dict[str, bool] = field(default_factory=dict)
    requests: dict[str, float] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def watched(cls, instance: Instance) -> AsyncIterator[Self]:
        """Look at the balancer while the block runs; the first look is done when it begins."""
        rotation = cls()
        async with aiohttp.ClientSession(f"http://{instance.address('edge:admin')}") as http:
            await rotation._look(http)
            watching = asyncio.create_task(rotation._watch(http))
            try:
                yield rotation
            finally:
                watching.cancel()

    async def _watch(self, http: aiohttp.ClientSession) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await self._look(http)
            except (aiohttp.ClientError, TimeoutError):
                continue  # it is being restarted; what it says next counts

    async def _look(self, http: aiohttp.ClientSession) -> None:
        # in this order: an active check that happens in between must not be taken for a passive one
        async with http.get("/metrics") as response:
            metrics = await response.text()
        now = time.monotonic()
        async with http.get("/api/http/services?per_page=200") as response:
            active = _states(await response.json())
        for replica, value in _UP.findall(metrics):
            if self.up.get(replica, value == "1") is not (value == "1"):
                by = "" if value == "1" else PASSIVE if active.get(replica) else ACTIVE
                self.changes.append(Change(now, replica, value == "1", by))
            self.up[replica] = value == "1"
        counts: dict[str, float] = {}
        for replica, value in _REQUESTS.findall(metrics):
            counts[replica] = counts.get(replica, 0.0) + float(value)
        self.requests = counts

    def left(self, replica: str, since: float) -> Change | None:
        """The first time a replica left the rotation after a moment."""
        return next((c for c in self.changes if c.replica == replica and c.at >= since and not c.up), None)

    def returned(self, replica: str, since: float) -> Change | None:
        """The last time it came back after a moment; None while it is out, or if it never left."""
        seen = [change for change in self.changes if change.replica == replica and change.at >= since]
        return seen[-1] if seen and seen[-1].up else None


def _states(services: list[dict[str, Any]]) -> dict[str, bool]:
    """Whether the active check finds each replica up."""
    return {
        str(service["name"]).partition("@")[0]: "DOWN" not in service["serverStatus"].values()
        for service in services
        if service.get("serverStatus") and service.get("loadBalancer")
    }
