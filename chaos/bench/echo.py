"""The load: an echo server in a process of its own, and clients that send a message and wait for it to come back."""

import asyncio
import contextlib
import multiprocessing
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

_START_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Trip:
    """Round trips of one run: how many, how long the run took in seconds, and each one's seconds in rising order."""

    seconds: float
    sorted_trips: list[float]

    def at(self, share: float) -> float:
        """The round trip that `share` of all stay below, in seconds."""
        return self.sorted_trips[min(len(self.sorted_trips) - 1, int(len(self.sorted_trips) * share))]


@contextlib.contextmanager
def echo_server() -> Iterator[int]:
    """An echo server on a free port of the loopback."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        if not here.poll(_START_SECONDS):
            raise RuntimeError(f"the echo server did not start in {_START_SECONDS} s")
        yield int(here.recv())
    finally:
        process.terminate()
        process.join()


def one_connection(port: int, size: int, count: int) -> Trip:
    """`count` round trips of `size` bytes over one connection, one after the other."""
    message = b"x" * size
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = memoryview(bytearray(size))
        trips = []
        start = time.perf_counter()
        for _ in range(count):
            sent = time.perf_counter()
            sock.sendall(message)
            missing = size
            while missing:
                got = sock.recv_into(buffer, missing)
                if not got:
                    raise ConnectionError(f"port {port} closed the connection during the run")
                missing -= got
            trips.append(time.perf_counter() - sent)
        return Trip(time.perf_counter() - start, sorted(trips))


def many_connections(port: int, size: int, count: int, connections: int) -> Trip:
    """`count` round trips of `size` bytes, spread over `connections` that all wait for their own answers."""
    return asyncio.run(_many(port, size, count, connections))


async def _many(port: int, size: int, count: int, connections: int) -> Trip:
    loop = asyncio.get_running_loop()
    clients = [_Client(size, count // connections, loop) for _ in range(connections)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc] # the loop variable is bound on purpose
    start = time.perf_counter()
    for client in clients:
        client.send()
    await asyncio.gather(*(client.done for client in clients))
    seconds = time.perf_counter() - start
    for client in clients:
        client.close()
    return Trip(seconds, sorted(trip for client in clients for trip in client.trips))


class _Client(asyncio.Protocol):
    def __init__(self, size: int, count: int, loop: asyncio.AbstractEventLoop) -> None:
        self.done: asyncio.Future[None] = loop.create_future()
        self.trips: list[float] = []
        self._message = b"x" * size
        self._count = count
        self._missing = 0
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def send(self) -> None:
        self._missing = len(self._message)
        self._sent = time.perf_counter()
        if self._transport is not None:
            self._transport.write(self._message)

    def data_received(self, data: bytes) -> None:
        self._missing -= len(data)
        if self._missing:
            return
        self.trips.append(time.perf_counter() - self._sent)
        if len(self.trips) < self._count:
            self.send()
        elif not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the connection was closed during the run"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.write(data)


def _serve(ready: Connection) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_Echo, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())
