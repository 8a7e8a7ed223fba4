"""Gates: proxies in front of real servers that do something at one exact point of a conversation."""

import asyncio
import fnmatch
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

Action = Callable[[], Awaitable[int | None]]
"""What to do; a status that it returns is answered in the server's place."""


@dataclass
class HttpGate:
    """Forwards everything to `target`; `before` and `after` are run at requests that match `METHOD /path/*`."""

    target: str
    before: dict[str, Action] = field(default_factory=dict)
    after: dict[str, Action] = field(default_factory=dict)
    address: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        what = f"{request.method} {request.path}"
        if (status := await _run(self.before, what)) is not None:
            return web.json_response({"detail": "the gate's own answer"}, status=status)
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        async with (
            aiohttp.ClientSession(auto_decompress=False) as http,
            http.request(
                request.method,
                f"{self.target}{request.path_qs}",
                headers=headers,
                data=await request.read(),
                allow_redirects=False,
            ) as answer,
        ):
            body = await answer.read()
            if (status := await _run(self.after, what)) is not None:
                return web.json_response({"detail": "the gate's own answer"}, status=status)
            return web.Response(
                status=answer.status, body=body, headers={"Content-Type": answer.headers.get("Content-Type", "")}
            )


async def _run(actions: dict[str, Action], what: str) -> int | None:
    for pattern, action in actions.items():
        if fnmatch.fnmatchcase(what, pattern):
            return await action()
    return None


@asynccontextmanager
async def http_gate(target: str) -> AsyncIterator[HttpGate]:
    """An HTTP gate in front of `target`, on a port that the system chooses."""
    gate = HttpGate(target)
    app = web.Application(client_max_size=2**20)
    app.router.add_route("*", "/{path:.*}", gate.handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    gate.address = f"{host}:{port}"
    try:
        yield gate
    finally:
        await runner.cleanup()


@dataclass
class SmtpGate:
    """Forwards SMTP; `on_accepted` runs when the server has accepted a mail, before the client hears of it."""

    host: str
    port: int
    on_accepted: Callable[[], Awaitable[None]] | None = None
    address: str = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_server = await asyncio.open_connection(self.host, self.port)
        sent = bytearray()

        async def to_server_pump() -> None:
            while data := await reader.read(65536):
                sent.extend(data)
                to_server.write(data)
                await to_server.drain()

        async def to_client_pump() -> None:
            while line := await upstream.readline():
                if sent.endswith(b"\r\n.\r\n") and line.startswith(b"250") and self.on_accepted:
                    action, self.on_accepted = self.on_accepted, None
                    await action()
                writer.write(line)
                await writer.drain()

        try:
            await asyncio.wait(
                {asyncio.create_task(to_server_pump()), asyncio.create_task(to_client_pump())},
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            to_server.close()
            writer.close()


@dataclass
class CommitGate:
    """Forwards Postgres' protocol; once `armed`, the answer to a COMMIT that follows the text `after` is lost."""

    host: str
    port: int
    after: bytes
    armed: bool = False
    address: str = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_server = await asyncio.open_connection(self.host, self.port)
        cut = asyncio.Event()

        async def to_server_pump() -> None:
            chosen = False
            while data := await reader.read(65536):
                chosen = chosen or self.after in data
                if self.armed and chosen and b"COMMIT" in data:
                    self.armed = False
                    cut.set()
                to_server.write(data)
                await to_server.drain()

        async def to_client_pump() -> None:
            while data := await upstream.read(65536):
                if cut.is_set():
                    return
                writer.write(data)
                await writer.drain()

        try:
            await asyncio.wait(
                {asyncio.create_task(to_server_pump()), asyncio.create_task(to_client_pump())},
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            to_server.close()
            writer.close()


@asynccontextmanager
async def commit_gate(address: str, *, after: bytes) -> AsyncIterator[CommitGate]:
    """A gate in front of the Postgres at `address`."""
    host, _, port = address.rpartition(":")
    gate = CommitGate(host, int(port), after)
    server = await asyncio.start_server(gate.handle, "127.0.0.1", 0)
    bound = server.sockets[0].getsockname()
    gate.address = f"{bound[0]}:{bound[1]}"
    try:
        yield gate
    finally:
        server.close()


@asynccontextmanager
async def smtp_gate(address: str) -> AsyncIterator[SmtpGate]:
    """An SMTP gate in front of `address`."""
    host, _, port = address.rpartition(":")
    gate = SmtpGate(host, int(port))
    server = await asyncio.start_server(gate.handle, "127.0.0.1", 0)
    bound = server.sockets[0].getsockname()
    gate.address = f"{bound[0]}:{bound[1]}"
    try:
        yield gate
    finally:
        server.close()
