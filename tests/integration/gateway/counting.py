"""A relay in front of Redis that counts what passes: round trips, and the commands in them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import hiredis

_HANDSHAKE = {"AUTH", "CLIENT", "HELLO", "SELECT"}


class Counts:
    """Since `clear()`: commands by round trip, without those that a new connection begins with.

    A round trip begins when a client sends something on a connection on which it is owed nothing.
    """

    def __init__(self) -> None:
        self.trips: list[list[list[str]]] = []

    def clear(self) -> None:
        """Begin anew."""
        self.trips.clear()

    @property
    def names(self) -> list[list[str]]:
        """The names of the commands of each round trip."""
        return [[command[0] for command in trip] for trip in self.trips]


async def _requests(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counts: Counts, owed: list[bool]
) -> None:
    parser = hiredis.Reader()
    while data := await reader.read(65536):
        parser.feed(data)
        commands = []
        while (command := parser.gets()) is not False:
            commands.append([bytes(part).decode("latin-1") for part in command])
        wanted = [command for command in commands if command[0].upper() not in _HANDSHAKE]
        if wanted and not owed[0]:
            counts.trips.append([])
            owed[0] = True
        if wanted:
            counts.trips[-1].extend(wanted)
        writer.write(data)
        await writer.drain()


async def _replies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, owed: list[bool]) -> None:
    while data := await reader.read(65536):
        owed[0] = False
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def counting(port: int, redis: int) -> AsyncIterator[Counts]:
    """Relay from `port` to the Redis on the port `redis`."""
    counts = Counts()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_redis, to_redis = await asyncio.open_connection("127.0.0.1", redis)
        owed = [False]
        ways = [
            asyncio.create_task(_requests(reader, to_redis, counts, owed)),
            asyncio.create_task(_replies(from_redis, writer, owed)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        to_redis.close()
        writer.close()

    server = await asyncio.start_server(relay, "127.0.0.1", port)
    try:
        yield counts
    finally:
        server.close()
