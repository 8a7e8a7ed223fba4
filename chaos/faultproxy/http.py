"""The HTTP side on the wire: aiohttp's low-level server, since routing and answers are Toxiproxy's own."""

import asyncio
import base64
import itertools
import os
import socket
import time
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from aiohttp import web

from chaos.faultproxy.api import Api, Handler, answer
from chaos.faultproxy.events import log, request_context
from chaos.faultproxy.wire import Answer, text_answer

_BODY_SECONDS: Final = 15
_HANDLER_SECONDS: Final = 25
_IDLE_SECONDS: Final = 60
_SHUTDOWN_SECONDS: Final = 30
_TIMED_OUT: Final = "<html><head><title>Timeout</title></head><body><h1>Timeout</h1></body></html>"


class HttpServer:
    """Serves the API on a bound socket until it is stopped."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._ids = _request_ids()
        server = web.Server(self._handle, keepalive_timeout=_IDLE_SECONDS, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS, handle_signals=False)

    async def start(self, listener: socket.socket) -> None:
        """Begin to accept."""
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    async def stop(self) -> None:
        """Accept no more and let requests in flight finish."""
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.Response:
        routed = self._api.route(request.method, unquote(request.raw_path.partition("?")[0], errors="replace"))
        if isinstance(routed, Answer):
            return _response(routed)
        request_id = next(self._ids)
        with request_context(request_id, request.headers.get("traceparent")):
            reply = await self._answer(request, routed)
        return _response(reply, request_id)

    async def _answer(self, request: web.BaseRequest, handler: Handler) -> Answer:
        if request.headers.get("User-Agent", "").startswith("Mozilla/"):
            return text_answer(403, "User agent not allowed")
        start = time.monotonic()
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await request.content.read()
            async with asyncio.timeout(_HANDLER_SECONDS):
                reply = await answer(handler, body)
        except TimeoutError:
            reply = Answer(503, _TIMED_OUT, "text/html; charset=utf-8")
        milliseconds = round((time.monotonic() - start) * 1000, 3)
        log.debug("request", method=request.method, url=request.raw_path, status=reply.status, duration=milliseconds)
        return reply


def _response(reply: Answer, request_id: str | None = None) -> web.Response:
    headers = dict(reply.headers)
    if request_id is not None:
        headers["X-Toxiproxy-Request-Id"] = request_id
    if reply.content_type is not None:
        headers["Content-Type"] = reply.content_type
    return web.Response(status=reply.status, body=reply.body.encode() or None, headers=headers)


def _request_ids() -> Iterator[str]:
    """Ids of 20 characters that sort by time: seconds, five random bytes for this process, a counter."""
    process = os.urandom(5)
    for number in itertools.count(int.from_bytes(os.urandom(3))):
        raw = int(time.time()).to_bytes(4) + process + (number % 2**24).to_bytes(3)
        yield base64.b32hexencode(raw).decode().rstrip("=").lower()
