"""Serving: two ports (traffic and admin), a graceful drain, one event loop.

On SIGTERM `/readyz` fails at once while the traffic port goes on for `drain_seconds`, long enough for the load
balancer's next health check; then no connection is accepted any more and the requests in flight are finished.
"""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from stormglass import settings, telemetry
from stormglass.resilience.deadline import HEADER, deadline, parse
from stormglass.service.health import AdminApp, Health
from stormglass.telemetry.http_server import HttpServerTelemetry
from stormglass.telemetry.logs import logger

_log = logger(__name__)
_DEADLINE = HEADER.lower().encode()


class Traffic:
    """What every request of the traffic port passes before the application: deadline in, `Connection: close` out."""

    def __init__(self, app: ASGIApp, health: Health, limit_seconds: float) -> None:
        self._app = app
        self._health = health
        self._limit = limit_seconds

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

        given = next((value for name, value in scope["headers"] if name == _DEADLINE), b"")
        with deadline(parse(given.decode("latin-1"), self._limit)):
            await self._app(scope, receive, closing if self._health.draining else send)


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: `serve()` below decides when it stops."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process' signals alone."""
        yield


def _server(app: Any, *, lifespan: str) -> Server:
    limits = settings.http()
    config = uvicorn.Config(
        app,
        lifespan=lifespan,  # type: ignore[arg-type]  # "on" and "off" are what its Literal holds
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        h11_max_incomplete_event_size=limits.max_header_bytes,
        timeout_graceful_shutdown=settings.process().graceful_seconds,
        timeout_keep_alive=75,
        backlog=1024,
    )
    return Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; a taken port is an error that names it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from error
    sock.listen(1024)
    sock.setblocking(False)
    return sock


class _Running:
    """One uvicorn server, running in a task of its own."""

    def __init__(self, app: Any, host: str, port: int, *, lifespan: str) -> None:
        self.server = _server(app, lifespan=lifespan)
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
    running = _Running(AdminApp(health), own.host, own.admin_port, lifespan="off")
    try:
        yield
    finally:
        await running.stop()


async def serve(app: Litestar) -> None:
    """Serve an application made by `create_service()` until the process is told to stop."""
    own = settings.process()
    telemetry.configure(traced=app.state.traced)
    health = Health(app.state.readiness, app.state)
    traffic: Any = Traffic(app, health, settings.http().default_timeout_ms / 1000)
    running = _Running(HttpServerTelemetry(traffic), own.host, own.port, lifespan="on")
    stopping = asyncio.create_task(stop_requested())
    try:
        while not running.server.started and not running.task.done():  # noqa: ASYNC110 - uvicorn offers no event
            await asyncio.sleep(0.01)
        if running.task.done():
            await running.task
            raise RuntimeError(f"{own.name} could not start: see the error above")
        async with admin_server(health):
            _log.info("serving", port=own.port, admin_port=own.admin_port)
            await asyncio.wait({stopping, running.task}, return_when=asyncio.FIRST_COMPLETED)
            health.draining = True
            _log.info("draining", seconds=own.drain_seconds)
            await asyncio.sleep(own.drain_seconds)
            await running.stop()
    finally:
        stopping.cancel()
        telemetry.shutdown()
    _log.info("stopped")
