"""Serving: two ports (traffic and admin), a graceful drain, one event loop.

On SIGTERM `/readyz` fails at once while the traffic port goes on for `drain_seconds`, long enough for the load
balancer's next health check; then no connection is accepted any more and the requests in flight are finished.
"""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from stormglass import settings
from stormglass.resilience.deadline import HEADER, deadline, parse
from stormglass.service.health import AdminApp, Health
from stormglass.service.problems import CONTENT_TYPE, problem_body
from stormglass.telemetry import configure
from stormglass.telemetry.http_server import HttpServerTelemetry
from stormglass.telemetry.logs import logger
from stormglass.telemetry.loop_lag import loop_lag
from stormglass.telemetry.served import serve_metrics

_log = logger(__name__)
_DEADLINE = HEADER.lower().encode()


class CannotListen(OSError):
    """A port cannot be had; the text says which and why."""


class Traffic:
    """What every request of the traffic port passes: header limit and deadline on its way in, `Connection: close` out.

    The limit is here because the parser (httptools) has none for the header fields of a request together.
    """

    def __init__(self, app: ASGIApp, health: Health, limits: settings.HttpSettings) -> None:
        self._app = app
        self._health = health
        self._limit = limits.default_timeout_ms / 1000
        self._max_header_bytes = limits.max_header_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request within its deadline."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return

        async def closing(message: Message) -> None:
            # tells the load balancer's pool not to send the next request into a process that is about to end
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        if sum(len(name) + len(value) for name, value in scope["headers"]) > self._max_header_bytes:
            await self._refuse(scope, closing)
            return
        given = next((value for name, value in scope["headers"] if name == _DEADLINE), b"")
        with deadline(parse(given.decode("latin-1"), self._limit)):
            await self._app(scope, receive, closing if self._health.draining else send)

    async def _refuse(self, scope: HTTPScope, send: Send) -> None:
        detail = f"the header fields are longer than {self._max_header_bytes} bytes together"
        body = json.dumps(problem_body(431, "headers-too-large", detail, scope["path"])).encode()
        headers = [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 431, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: `serve()` below decides when it stops."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process' signals alone."""
        yield


def _server(app: Any) -> Server:
    config = uvicorn.Config(
        app,
        # serve() opens the application's resources itself, so that their errors arrive as what they are
        lifespan="off",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        # who the client is, is what the edge says to the gateway; a header must not change what we see of a connection
        proxy_headers=False,
        date_header=True,
        timeout_graceful_shutdown=settings.process().graceful_seconds,
        timeout_keep_alive=75,
        backlog=1024,
    )
    return Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        CannotListen: the port is taken, or the interface does not exist.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise CannotListen(f"cannot listen on {host}:{port}: {error.strerror}") from error
    sock.listen(1024)
    sock.setblocking(False)
    return sock


class _Running:
    """One uvicorn server, running in a task of its own."""

    def __init__(self, app: Any, host: str, port: int) -> None:
        self.server = _server(app)
        self.task = asyncio.create_task(self.server.serve([listen(host, port)]))

    async def stop(self) -> None:
        self.server.should_exit = True
        await self.task


async def stop_requested() -> None:
    """Wait for SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


@asynccontextmanager
async def admin_server(health: Health) -> AsyncIterator[None]:
    """Serve `/livez`, `/readyz` and `/metrics` on the admin port while the block runs."""
    own = settings.process()
    serve_metrics(own.service)
    running = _Running(AdminApp(health), own.host, own.admin_port)
    try:
        async with loop_lag():
            yield
    finally:
        await running.stop()


@asynccontextmanager
async def _traffic_server(app: Litestar, health: Health) -> AsyncIterator[_Running]:
    """Serve the application while the block runs; at its end go on for the drain, then finish what is in flight."""
    own = settings.process()
    traffic: Any = Traffic(app, health, settings.http())
    running = _Running(HttpServerTelemetry(traffic), own.host, own.port)
    try:
        yield running
        health.draining = True
        _log.info("draining", seconds=own.drain_seconds)
        await asyncio.sleep(own.drain_seconds)
    finally:
        await running.stop()


async def serve(app: Litestar) -> None:
    """Serve an application made by `create_service()` until the process is told to stop.

    Raises:
        CannotListen: one of its two ports cannot be had.
        SettingsError: something it needs is not set, or not as it should be. Both may come in an exception group.
    """
    own = settings.process()
    configure.configure(traced=app.state.traced)
    health = Health(app.state.readiness, app.state, app.state.degraded_without)
    stopping = asyncio.create_task(stop_requested())
    try:
        # opened from left to right, closed from right to left; the admin port outlives the traffic port
        async with app.lifespan(), admin_server(health), _traffic_server(app, health) as running:
            _log.info("serving", port=own.port, admin_port=own.admin_port)
            await asyncio.wait({stopping, running.task}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        configure.shutdown()
    _log.info("stopped")
