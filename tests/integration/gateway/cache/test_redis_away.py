"""Without Redis there is no cache, and nobody notices but by the time it takes; an edit is made up for later."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from redis.asyncio import Redis

from stormglass.runtime.ports import free_port
from tests.integration.gateway.cache.resource import Resource, get
from tests.integration.gateway.conftest import Issue
from tests.integration.gateway.native import Gateway, eventually
from tests.integration.gateway.standin import StandIn


class Way:
    """A gateway's own way to Redis, which can be cut while everybody else's stays."""

    def __init__(self, there: int) -> None:
        self._there = there
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.close()
            return
        back, on = await asyncio.open_connection("127.0.0.1", self._there)
        pumps = [asyncio.create_task(self._pump(reader, on)), asyncio.create_task(self._pump(back, writer))]
        self._tasks.update(pumps)
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, on):
            end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()

    def cut(self) -> None:
        self._open = False
        for task in self._tasks:
            task.cancel()

    def mend(self) -> None:
        self._open = True

    @asynccontextmanager
    async def on(self, port: int) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        try:
            yield
        finally:
            self.cut()
            server.close()


@pytest.fixture
def way(shared_port: int) -> Way:
    return Way(shared_port)


@pytest.fixture
async def far(directory: Path, standin: StandIn, standin_port: int, way: Way) -> AsyncIterator[Gateway]:
    """A gateway whose way to the shared Redis can be cut."""
    port = free_port()
    gateway = Gateway(
        directory, internal=standin_port, redis=port, traces=standin_port, rate=1_000_000, redis_seconds=5.0
    )
    async with way.on(port), gateway.run():
        await gateway.ready()
        yield gateway


async def test_without_redis_everything_comes_from_the_service(
    far: Gateway, way: Way, http: aiohttp.ClientSession, resource: Resource
) -> None:
    await get(http, far, resource)
    assert (await get(http, far, resource)).cache.startswith("hit")
    way.cut()
    for _ in range(5):
        seen = await get(http, far, resource)
        assert (seen.status, seen.cache) == (200, "fwd=bypass; fwd-status=200; detail=unstored")
    known = await get(http, far, resource, {"If-None-Match": seen.headers["ETag"]})
    assert known.status == 304
    assert (await get(http, far, resource, {"Cache-Control": "only-if-cached"})).status == 504
    metrics = await far.metrics()
    assert 'fallback_total{dependency="redis",fallback="origin"}' in metrics
    way.mend()

    async def used_again() -> bool:
        return (await get(http, far, resource)).cache.startswith("hit")

    await eventually(used_again)


async def test_an_edit_that_redis_could_not_be_told_of_is_made_up_for(
    far: Gateway,
    pair: list[Gateway],
    way: Way,
    http: aiohttp.ClientSession,
    resource: Resource,
    standin: StandIn,
    bearer: Issue,
) -> None:
    resource.more = {"Cache-Groups": '"edited"'}

    async def edit(request: web.BaseRequest) -> web.Response:
        resource.body = b"two"
        return web.json_response({}, headers={"Cache-Group-Invalidation": '"edited"'})

    standin.pages["/products"] = edit
    try:
        for gateway in (far, *pair):
            assert (await get(http, gateway, resource)).body == b"one"
        way.cut()
        async with http.put(f"{far.base}/products", json={}, headers=bearer("admin", ("products:write",))) as answer:
            assert answer.status == 200
            assert answer.headers["X-Stormglass-Degraded"] == "invalidation-delayed"
        assert (await get(http, far, resource)).body == b"two", "whoever made the edit sees it"
        assert (await get(http, pair[0], resource)).body == b"one", "who has another way to Redis does not yet"
        way.mend()

        async def everywhere() -> bool:
            return [(await get(http, gateway, resource)).body for gateway in (far, *pair)] == [b"two"] * 3

        async def told() -> bool:
            return bool(far.lines("cache invalidated late"))

        await eventually(everywhere)
        # the line follows what it tells of
        await eventually(told)
    finally:
        del standin.pages["/products"]


async def test_a_redis_that_forgot_everything_is_filled_again(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource, redis: Redis
) -> None:
    await get(http, pair[0], resource)
    await redis.flushall()
    assert (await get(http, pair[1], resource)).cache == "fwd=miss; fwd-status=200; stored"
    assert (await get(http, pair[0], resource)).cache.startswith("hit")
