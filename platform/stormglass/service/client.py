"""Calls from one service to another: through the internal load balancer, with trace, identity and deadline attached."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
from opentelemetry import trace
from opentelemetry.propagate import inject
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import SecretStr

from stormglass import settings
from stormglass.resilience import deadline
from stormglass.security.identity import HEADER, Identity, sign
from stormglass.telemetry import names
from stormglass.telemetry.carrier import exemplar

LIMIT_SECONDS = 3.0
"""Longest a single call may take, if the request has that much left."""


class CallFailed(Exception):
    """No usable answer came: refused, reset, timed out, or the answer is a 5xx."""

    def __init__(self, server: str, reason: str, status: int = 0) -> None:
        super().__init__(f"{server}: {reason}")
        self.server = server
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered: status below 500, and its JSON body (None if there was none)."""

    status: int
    body: Any
    headers: Mapping[str, str]


class ServiceClient:
    """Calls other services of the platform on behalf of `issuer` (a service's name)."""

    def __init__(self, session: aiohttp.ClientSession, base: str, issuer: str, key: SecretStr) -> None:
        self._session = session
        self._base = base
        self._issuer = issuer
        self._key = key
        self._tracer = trace.get_tracer("stormglass.http_client")

    @classmethod
    @asynccontextmanager
    async def open(cls, issuer: str) -> AsyncIterator[Self]:
        """A client for the edge to the internal load balancer, closed at the end of the block."""
        connector = aiohttp.TCPConnector(limit=64, keepalive_timeout=15)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=True) as session:
            yield cls(session, settings.address("internal").url, issuer, settings.secret("identity_key"))

    async def call(
        self,
        server: str,
        method: str,
        route: str,
        *,
        path: Mapping[str, Any] | None = None,
        identity: Identity | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        limit_seconds: float = LIMIT_SECONDS,
    ) -> Answer:
        """Call `method` on `route`, a template such as `/reservations/{id}` that `path` fills in.

        Raises:
            CallFailed: no answer, or one of 500 and above.
            DeadlineExceeded: the request has no time left for a call.
        """
        left = deadline.budget(limit_seconds)
        who = identity or Identity(f"service:{self._issuer}", issuer=self._issuer)
        sent = {
            **(headers or {}),
            HEADER: sign(who, self._key),
            deadline.HEADER: str(max(1, int(left * 1000))),
        }
        url = self._base + route.format_map(path or {})
        begun = time.perf_counter()
        status = 0
        with self._tracer.start_as_current_span(
            f"{method} {route}",
            kind=SpanKind.CLIENT,
            attributes={
                "http.request.method": method,
                "url.template": route,
                "url.full": url,
                "server.address": server,
                "peer.service": server,
            },
            record_exception=False,
        ) as span:
            inject(sent)
            try:
                async with self._session.request(
                    method,
                    url,
                    json=json,
                    headers=sent,
                    timeout=aiohttp.ClientTimeout(total=left),
                    allow_redirects=False,
                ) as response:
                    status = response.status
                    span.set_attribute("http.response.status_code", status)
                    body = await response.json(content_type=None) if status != 204 else None
                    if status >= 500:
                        span.set_status(StatusCode.ERROR)
                        raise CallFailed(server, f"{method} {route} answered {status}", status)
                    return Answer(status, body, response.headers)
            except (TimeoutError, aiohttp.ClientError, ValueError) as error:
                span.set_status(StatusCode.ERROR, type(error).__name__)
                span.set_attribute("error.type", type(error).__name__)
                text = str(error) or type(error).__name__
                raise CallFailed(server, f"{method} {route} failed after {left:.1f} s at most: {text}") from error
            finally:
                names.HTTP_CLIENT_DURATION.histogram().labels(server, method, str(status)).observe(
                    time.perf_counter() - begun, exemplar()
                )
