"""Calls from one service to another: through the internal load balancer, with trace, identity and deadline attached."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import aiohttp
from opentelemetry import trace
from opentelemetry.propagate import inject
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import SecretStr
from yarl import URL

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
        # no cookie jar: what one caller was given must not be sent with the next one's request
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
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
        url = self._base + _fill(route, path or {})
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
                    # encoded already: another pass would resolve dot segments
                    URL(url, encoded=True),
                    json=json,
                    headers=sent,
                    timeout=aiohttp.ClientTimeout(total=left),
                    allow_redirects=False,
                ) as response:
                    status = response.status
                    span.set_attribute("http.response.status_code", status)
                    if status >= 400:
                        span.set_status(StatusCode.ERROR)
                        span.set_attribute("error.type", str(status))
                    if status >= 500:
                        raise CallFailed(server, f"{method} {route} answered {status}", status)
                    body = await response.json(content_type=None) if status != 204 else None
                    return Answer(status, body, response.headers)
            except (TimeoutError, aiohttp.ClientError, ValueError) as error:
                span.set_status(StatusCode.ERROR, type(error).__name__)
                span.set_attribute("error.type", type(error).__name__)
                raise CallFailed(server, f"{method} {route}: {_reason(error, left)}", status) from error
            finally:
                names.HTTP_CLIENT_DURATION.histogram().labels(server, method, route, str(status)).observe(
                    time.perf_counter() - begun, exemplar()
                )


def _fill(route: str, path: Mapping[str, Any]) -> str:
    """`route` with its parameters filled in; whatever a value holds, it stays one segment of the path."""
    values = {name: quote(str(value), safe="") for name, value in path.items()}
    if any(value in {"", ".", ".."} for value in values.values()):
        raise ValueError(f"{path} cannot be put into {route}: a segment of a path is not empty, '.' or '..'")
    return route.format_map(values)


def _reason(error: Exception, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {seconds:.3g} s"
    if isinstance(error, aiohttp.ClientError):
        return str(error) or type(error).__name__
    return "the answer is not JSON"
