"""`/livez`, `/readyz` and `/metrics`, on a port of their own that no load balancer publishes.

Alive: the event loop answers. Ready: every dependency the process needs answers, and it is not draining. Degraded:
ready, but a dependency that has a fallback does not answer. Either way the answer names the dependency and the reason.
"""

import asyncio
import json
import time
from collections.abc import Mapping

from litestar.datastructures import State
from litestar.types import Receive, Scope, Send
from opentelemetry.instrumentation.utils import suppress_instrumentation
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from stormglass.service.factory import Check
from stormglass.telemetry import names

CHECK_SECONDS = 0.8
"""Longest wait for one check."""

FRESH_SECONDS = 0.4
"""How long an outcome is told without asking again: however often a balancer looks, dependencies are asked twice a
second."""

KNOWN_SECONDS = 2.0
"""How long it is told at once while the next one is asked for: to a balancer, a slow dependency must not look like a
frozen process. Who looks less often gets an outcome of now."""


class Checks:
    """Checks that are asked together; their last outcome is kept."""

    def __init__(self, checks: Mapping[str, Check], state: State) -> None:
        self._checks = checks
        self._state = state
        self._known: dict[str, str] | None = None
        self._known_at = 0.0
        self._asking: asyncio.Task[None] | None = None

    async def outcome(self) -> dict[str, str]:
        """The reasons of those that fail, by dependency."""
        age = time.monotonic() - self._known_at
        if self._asking is None and (self._known is None or age > FRESH_SECONDS):
            self._asking = asyncio.create_task(self._ask_all())
        if self._asking is not None and (self._known is None or age > KNOWN_SECONDS):
            await asyncio.wait({self._asking})
        return self._known if self._known is not None else {"process": "it is ending"}

    async def _ask_all(self) -> None:
        try:
            # a check that polls must not fill the trace store with root spans
            with suppress_instrumentation():
                results = await asyncio.gather(*(self._ask(check) for check in self._checks.values()))
            self._known = {name: text for name, text in zip(self._checks, results, strict=True) if text}
            for name, text in zip(self._checks, results, strict=True):
                names.DEPENDENCY_UP.gauge().labels(name).set(not text)
            self._known_at = time.monotonic()
        finally:
            self._asking = None

    async def _ask(self, check: Check) -> str:
        try:
            async with asyncio.timeout(CHECK_SECONDS) as limit:
                await check(self._state)
        except Exception as error:  # noqa: BLE001 - whatever a dependency raises is the reason that is reported
            if limit.expired():
                return f"no answer within {CHECK_SECONDS:g} s"
            return f"{type(error).__name__}: {error}"[:300]
        return ""


class Health:
    """What this process would say about itself right now."""

    def __init__(self, checks: Mapping[str, Check], state: State, soft: Mapping[str, Check] | None = None) -> None:
        self._checks = Checks(checks, state)
        self._soft = Checks(soft or {}, state)
        self.draining = False

    async def problems(self) -> dict[str, str]:
        """What keeps the process from being ready, by dependency; empty when it is ready."""
        if self.draining:
            return {"process": "draining: it was told to stop"}
        return await self._checks.outcome()

    async def degradations(self) -> dict[str, str]:
        """Which dependencies are replaced by their fallback, and why; empty at best."""
        return await self._soft.outcome()


class AdminApp:
    """The ASGI application of the admin port."""

    def __init__(self, health: Health) -> None:
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]
        if path == "/livez":
            await self._answer(send, 200, {"status": "alive"})
        elif path == "/readyz":
            problems, degraded = await asyncio.gather(self._health.problems(), self._health.degradations())
            status = "not ready" if problems else "degraded" if degraded else "ready"
            body = {"status": status, "problems": problems, "degraded": degraded}
            await self._answer(send, 503 if problems else 200, body)
        elif path == "/metrics":
            await self._metrics(scope, send)
        else:
            await self._answer(send, 404, {"detail": "this port has /livez, /readyz and /metrics"})

    async def _metrics(self, scope: Scope, send: Send) -> None:
        accept = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
        encode, content_type = choose_encoder(accept)
        await _send(send, 200, encode(REGISTRY), content_type)

    async def _answer(self, send: Send, status: int, body: Mapping[str, object]) -> None:
        await _send(send, status, json.dumps(body).encode(), "application/json")


async def _send(send: Send, status: int, body: bytes, content_type: str) -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
