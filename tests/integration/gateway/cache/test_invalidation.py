"""An edit is visible at once, through whichever gateway, whatever was being fetched meanwhile."""

import asyncio
import json
from collections.abc import Iterator

import aiohttp
import pytest
from aiohttp import web
from redis.asyncio import Redis

from tests.integration.gateway.cache.resource import Resource, get
from tests.integration.gateway.conftest import Issue
from tests.integration.gateway.native import Gateway
from tests.integration.gateway.standin import StandIn

EDITS = 200


class Catalogue:
    """A product that edits change and reads show, as slowly as a database may be."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.version = 0
        self.reads = 0

    async def page(self, request: web.BaseRequest) -> web.Response:
        self.reads += 1
        shown = self.version
        # what was read is on its way for a while: a change may come in between
        await asyncio.sleep(0.002 * (self.reads % 8))
        headers = {
            "Cache-Control": "public, no-cache",
            "Stormglass-Cache-Control": "max-age=60, stale-while-revalidate=60, stale-if-error=600",
            "Cache-Groups": f'"{self.path}", "all"',
            "ETag": f'"{shown}"',
        }
        return web.json_response({"version": shown}, headers=headers)

    async def edit(self, request: web.BaseRequest) -> web.Response:
        if request.method != "PUT":
            return await self.page(request)
        self.version = int((await request.json())["version"])
        await asyncio.sleep(0.003)
        return web.json_response({}, headers={"Cache-Group-Invalidation": f'"{self.path}"'})


@pytest.fixture
def catalogue(standin: StandIn, resource: Resource) -> Iterator[Catalogue]:
    made = Catalogue(resource.path)
    standin.pages[resource.path] = made.page
    standin.pages["/products"] = made.edit
    yield made
    del standin.pages["/products"]


async def test_every_read_after_an_edit_shows_it(
    pair: list[Gateway], http: aiohttp.ClientSession, catalogue: Catalogue, bearer: Issue
) -> None:
    headers = bearer("admin", ("products:write",))
    answered = 0
    reads: list[int] = []
    going = True

    async def reader(gateway: Gateway) -> None:
        while going:
            known = answered
            seen = await get(http, gateway, catalogue.path)
            shown = json.loads(seen.body)["version"]
            assert shown >= known, f"the edit to {known} was answered before this read began, and it shows {shown}"
            reads.append(shown)

    readers = [asyncio.create_task(reader(pair[number % 2])) for number in range(12)]
    for version in range(1, EDITS + 1):
        async with http.put(f"{pair[version % 2].base}/products", json={"version": version}, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
        answered = version
        await asyncio.sleep(0.005 * (version % 3))
    going = False
    await asyncio.gather(*readers)
    assert len(reads) > EDITS
    assert catalogue.reads < len(reads), "the cache was of use meanwhile"
    assert json.loads((await get(http, pair[0], catalogue.path)).body)["version"] == EDITS


async def test_groups_and_the_resource_itself(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource, standin: StandIn, bearer: Issue
) -> None:
    other = Resource(f"{resource.path}0")
    standin.pages[other.path] = other
    resource.more, other.more = {"Cache-Groups": '"a", "both"'}, {"Cache-Groups": '"b", "both"'}
    answer = {"Cache-Group-Invalidation": ""}

    async def edit(request: web.BaseRequest) -> web.Response:
        return web.json_response({}, headers=answer, status=status)

    standin.pages["/products"] = edit
    headers = bearer("admin", ("products:write",))

    async def hits_after(invalidated: str) -> list[bool]:
        answer["Cache-Group-Invalidation"] = invalidated
        for each in (resource, other):
            await get(http, pair[0], each)
        async with http.put(f"{pair[1].base}/products", json={}, headers=headers) as put:
            assert put.status == status
            assert "Cache-Group-Invalidation" not in put.headers
            assert "X-Stormglass-Degraded" not in put.headers
        return [(await get(http, pair[0], each)).cache.startswith("hit") for each in (resource, other)]

    try:
        status = 200
        assert await hits_after('"a"') == [False, True]
        assert await hits_after('"b", "unknown"') == [True, False]
        assert await hits_after('"both"') == [False, False]
        assert await hits_after('"x"') == [True, True]
        assert await hits_after("not, a list,") == [True, True]
        status = 409
        assert await hits_after('"both"') == [True, True], "what failed has changed nothing"
    finally:
        del standin.pages["/products"], standin.pages[other.path]


async def test_a_change_of_a_page_s_own_address_needs_no_group(
    pair: list[Gateway], http: aiohttp.ClientSession, standin: StandIn, bearer: Issue
) -> None:
    pages = Resource("/products")
    standin.pages["/products"] = pages
    try:
        for path in ("/products", "/products?limit=5"):
            assert "stored" in (await get(http, pair[0], path)).cache
            assert (await get(http, pair[1], path)).cache.startswith("hit")
        async with http.put(f"{pair[0].base}/products", json={}, headers=bearer("a", ("products:write",))) as put:
            assert put.status == 200
        for path in ("/products", "/products?limit=5"):
            assert "stored" in (await get(http, pair[1], path)).cache
    finally:
        del standin.pages["/products"]


@pytest.mark.owasp("API8")
async def test_clients_cannot_invalidate(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource, bearer: Issue, redis: Redis
) -> None:
    resource.more = {"Cache-Groups": '"a"'}
    await get(http, pair[0], resource)
    epoch = await redis.hget("gateway-cache:fence", "epoch")  # type: ignore[misc]  # redis-py types its two clients as one
    forged = {"Cache-Group-Invalidation": '"a"', "Cache-Groups": '"b"', "Stormglass-Cache-Control": "no-store"}
    # the service behind echoes what it was sent in its body, not in its fields
    async with http.post(f"{pair[0].base}/orders", json={}, headers={**bearer(), **forged}) as answer:
        assert answer.status == 200
    assert (await get(http, pair[0], resource, forged)).cache.startswith("hit")
    assert await redis.hget("gateway-cache:fence", "epoch") == epoch  # type: ignore[misc]  # the same
