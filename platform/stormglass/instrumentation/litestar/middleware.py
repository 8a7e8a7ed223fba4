"""Server span and RED metrics of every HTTP request, around any ASGI application."""

import logging
import time
from typing import Unpack

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind, StatusCode

from .headers import HeaderGetter
from .instruments import default_instruments
from .options import Options
from .routes import Routes

_log = logging.getLogger(__name__)
_getter = HeaderGetter()

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})
"""Methods known to the conventions (RFC 9110 and PATCH); any other would be a label that a client can choose."""

_LONGEST_METHOD = 32


class HttpServerInstrumentation:
    """ASGI wrapper, to be put around the whole application, so that answers to unrouted requests count too.

    WebSockets and the lifespan pass through. The duration ends with the last byte of the answer; the span ends with the
    application, background tasks included.
    """

    def __init__(self, app: ASGIApp, **options: Unpack[Options]) -> None:
        self._app = app
        self._tracer = options.get("tracer") or trace.get_tracer(__name__)
        self._instruments = options.get("instruments") or default_instruments()
        self._attributes = options.get("attributes")
        excluded = [path.rstrip("/") for path in options.get("exclude", ())]
        self._excluded = frozenset(excluded)
        self._below_excluded = tuple(f"{path}/" for path in excluded)
        self._routes = Routes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, inside its span."""
        if scope["type"] != ScopeType.HTTP or (self._excluded and self._is_excluded(scope["path"])):
            await self._app(scope, receive, send)
            return
        sent = str(scope.get("method", ""))
        method = sent if sent in METHODS else "_OTHER"
        # Litestar writes into the scope: a mounted application gets the rest of the path only
        path, scheme = scope["path"], scope["scheme"]
        status = 0
        ended = 0.0
        error = ""

        async def watch(message: Message) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                ended = time.perf_counter()

        attributes = {
            "http.request.method": method,
            "url.scheme": scheme,
            "url.path": path,
            "network.protocol.version": scope["http_version"],
        }
        if method == "_OTHER":
            attributes["http.request.method_original"] = sent[:_LONGEST_METHOD]
        title = "HTTP" if method == "_OTHER" else method
        parent = extract(scope["headers"], context=Context(), getter=_getter)
        active = self._instruments.active(method, scheme)
        active.inc()
        begun = time.perf_counter()
        with self._tracer.start_as_current_span(
            title, context=parent, kind=SpanKind.SERVER, attributes=attributes
        ) as span:
            try:
                await self._app(scope, receive, watch)
            except BaseException as raised:
                error = type(raised).__qualname__
                raise
            finally:
                seconds = (ended or time.perf_counter()) - begun
                route = self._routes.template(scope, path)
                if not error and (status >= 500 or status == 0):
                    error = str(status) if status else "no_response"
                if span.is_recording():
                    self._describe(span, scope, title, route, status, error)
                self._instruments.duration(method, route, str(status), scheme, error).observe(seconds, _exemplar(span))
                active.dec()

    def _is_excluded(self, path: str) -> bool:
        return path in self._excluded or path.startswith(self._below_excluded)

    def _describe(self, span: Span, scope: HTTPScope, title: str, route: str, status: int, error: str) -> None:
        if route:
            span.update_name(f"{title} {route}")
            span.set_attribute("http.route", route)
        if status:
            span.set_attribute("http.response.status_code", status)
        if error:
            span.set_status(StatusCode.ERROR)
            span.set_attribute("error.type", error)
        if self._attributes is not None:
            try:
                span.set_attributes(self._attributes(scope))
            except Exception:  # noqa: BLE001 - another's code, whatever it raises: no request fails for its telemetry
                _log.warning("the hook for attributes of HTTP spans failed", exc_info=True)


def _exemplar(span: Span) -> dict[str, str] | None:
    """The label that ties an observation to its trace; None for a trace that is not kept."""
    context = span.get_span_context()
    return {"trace_id": format(context.trace_id, "032x")} if context.trace_flags.sampled else None
