"""`GET /openapi.json`: the document as it is now, made anew when the services' own may have changed."""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from opentelemetry import trace

from services.gateway.exchange import Exchange
from services.gateway.forward import Forwarder
from services.gateway.openapi.document import document
from services.gateway.route import Auth, Route
from services.gateway.upstream import Call
from services.gateway.whole import Whole
from stormglass.service import Problem
from stormglass.telemetry import names
from stormglass.telemetry.logs import logger

FRESH_SECONDS = 60.0
"""How long a document is good; a service's new version is published within that time."""

RETRY_SECONDS = 5.0
"""How long a service that had no document to give is left alone."""

LONGEST_BYTES = 1024 * 1024
_log = logger(__name__)


class _Document(msgspec.Struct):
    """As much of a document as is used here."""

    openapi: str
    paths: dict[str, dict[str, Any]]
    components: dict[str, dict[str, Any]]

    @property
    def plain(self) -> dict[str, Any]:
        return msgspec.structs.asdict(self)


class Published:
    """The published document. A service's last good one stays in use for as long as no newer one can be had."""

    def __init__(self, forward: Forwarder, routes: Sequence[Route]) -> None:
        self._forward = forward
        self._routes = routes
        parts = {route.upstream for route in routes if not route.local}
        parts |= {part.upstream for route in routes if route.compose for part in route.compose.parts}
        self._services = sorted(parts)
        self._documents: dict[str, Any] = {}
        self._whole: Whole | None = None
        self._until = float("-inf")
        self._making = asyncio.Lock()

    async def __call__(self, exchange: Exchange) -> Whole:
        """The document as an answer.

        Raises:
            Problem: 503, a service was never heard of.
        """
        async with self._making:
            if self._whole is None or time.monotonic() >= self._until:
                await self._refresh(exchange)
            if self._whole is None:
                missing = ", ".join(sorted(set(self._services) - set(self._documents)))
                detail = f"{missing} cannot say what there is; try again"
                raise Problem(503, "document-unavailable", detail, headers={"Retry-After": "1"})
            return self._whole

    async def _refresh(self, exchange: Exchange) -> None:
        fetched = await asyncio.gather(*(self._fetch(exchange, service) for service in self._services))
        self._until = time.monotonic() + (FRESH_SECONDS if all(fetched) else RETRY_SECONDS)
        if not all(service in self._documents for service in self._services):
            return
        body = msgspec.json.encode(document(self._routes, self._documents))
        tag = hashlib.sha256(body).hexdigest()[:32]
        headers = [
            (b"content-type", b"application/json"),
            (b"cache-control", b"public, max-age=60"),
            (b"etag", f'"{tag}"'.encode()),
        ]
        self._whole = Whole(200, headers, body)

    async def _fetch(self, exchange: Exchange, service: str) -> bool:
        path = f"/{service}/schema/openapi.json"
        route = Route(("GET",), path, service, Auth.NONE)
        call = Call("GET", path, [("Accept", "application/json"), ("X-Request-Id", exchange.request_id)])
        try:
            whole = await self._forward.whole(exchange, route, call, limit=LONGEST_BYTES)
            # a problem is no document either
            self._documents[service] = msgspec.json.decode(whole.body, type=_Document).plain
        except (Problem, msgspec.MsgspecError) as error:
            _log.warning("a service's document was not refreshed", service=service, reason=str(error))
            if service in self._documents:
                names.FALLBACKS.counter().labels(service, "last_good_document").inc()
                trace.get_current_span().add_event("last good document served", {"service": service})
            return False
        return True
