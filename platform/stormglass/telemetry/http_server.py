"""Server span and RED metrics of every HTTP request, for any ASGI application.

The route is the template the application matched (Litestar leaves it in `scope["path_template"]`), never the raw path;
requests that match nothing share the empty route. Names: OpenTelemetry HTTP semantic conventions (stable).
"""

import time
from collections.abc import Iterable
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagate import extract
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import SpanKind, StatusCode

from stormglass.telemetry import names
from stormglass.telemetry.carrier import exemplar

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})

_Headers = Iterable[tuple[bytes, bytes]]


class _ScopeGetter(Getter[_Headers]):
    def get(self, carrier: _Headers, key: str) -> list[str] | None:
        wanted = key.lower().encode("latin-1")
        found = [value.decode("latin-1") for name, value in carrier if name == wanted]
        return found or None

    def keys(self, carrier: _Headers) -> list[str]:
        return [name.decode("latin-1") for name, _ in carrier]


_getter = _ScopeGetter()


class HttpServerTelemetry:
    """ASGI middleware to be put around the whole application, so that answers to unrouted requests count too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._tracer = trace.get_tracer("stormglass.http_server")
        self._duration = names.HTTP_SERVER_DURATION.histogram()
        self._active = names.HTTP_SERVER_ACTIVE.gauge()
        self._children: dict[tuple[str, str, str], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, inside its span."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        # a method outside the list would be a label a client can choose
        sent = str(scope.get("method", ""))
        method = sent if sent in _METHODS else "_OTHER"
        title = "HTTP" if method == "_OTHER" else method
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        headers: _Headers = scope["headers"]
        parent = extract(headers, context=Context(), getter=_getter)
        active = self._active.labels(method)
        active.inc()
        begun = time.perf_counter()
        with self._tracer.start_as_current_span(
            title,
            context=parent,
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": method,
                "url.scheme": scope["scheme"],
                "url.path": scope["path"],
                "network.protocol.version": scope["http_version"],
            },
        ) as span:
            try:
                await self._app(scope, receive, watch)
            finally:
                route = scope.get("path_template") or ""
                if span.is_recording():
                    if route:
                        span.update_name(f"{title} {route}")
                        span.set_attribute("http.route", route)
                    if status:
                        span.set_attribute("http.response.status_code", status)
                    if status >= 500 or status == 0:
                        span.set_status(StatusCode.ERROR)
                        span.set_attribute("error.type", str(status) if status else "no_response")
                self._child(method, route, str(status)).observe(time.perf_counter() - begun, exemplar())
                active.dec()

    def _child(self, method: str, route: str, status: str) -> Any:
        """The histogram's child for these labels, looked up once: the look-up costs more than the observation."""
        key = (method, route, status)
        if key not in self._children:
            self._children[key] = self._duration.labels(*key)
        return self._children[key]
