"""Every read that begins after an edit was answered shows the edit: at both replicas, and through edge and gateways."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import aiohttp
import pytest

from services.shopper import Shopper
from stormglass.runtime.launch import unrouted
from stormglass.runtime.overrides import clear_override, set_override
from stormglass.testing import Platform, eventually
from tests.goods import log_in
from tests.integration.products.client import ADMINISTRATOR, Client
from tests.security import limits

EDITS = 200
READERS = 12

PATIENCE = {"STORMGLASS_REDIS_TIMEOUT_SECONDS": "5"}
"""A late answer of Redis is not to look like an outage, in which an edit is seen later: that is not what this is about.
"""

Read = Callable[[], Awaitable[int]]


def _patient(platform: Platform, name: str, *, wanted: bool) -> None:
    """For all replicas of a process, from their next start on."""
    for process, number in platform.instance.places():
        if process.name == name and wanted:
            set_override(platform.instance, process.replica_name(number), PATIENCE)
        elif process.name == name:
            clear_override(platform.instance, process.replica_name(number), PATIENCE)


def _restart_products(platform: Platform) -> None:
    platform.run("restart", "products")
    # ready by their own word; the balancer sends them requests once its own health check has seen it
    eventually(lambda: not asyncio.run(unrouted(platform.instance, {"products"})), what="the balancer has them both")


@pytest.fixture(scope="module", autouse=True)
def _patient_products(platform: Platform) -> Iterator[None]:
    _patient(platform, "products", wanted=True)
    _restart_products(platform)
    yield
    _patient(platform, "products", wanted=False)
    _restart_products(platform)


@pytest.fixture(scope="module")
def administrator(platform: Platform) -> Iterator[dict[str, str]]:
    """What an administrator sends, while nobody's requests are limited and the gateways are patient with Redis."""
    password = platform.secret("users", "admin_password")
    # the gateways start anew when the limits become wide, and when they are what they were
    _patient(platform, "gateway", wanted=True)
    with limits.wide(platform), Shopper(platform.base_url, "admin@stormglass.local", password) as admin:
        try:
            log_in(admin)
            yield {"Authorization": admin._http.headers["Authorization"]}
        finally:
            _patient(platform, "gateway", wanted=False)


def item(sku: str, price: int) -> dict[str, Any]:
    return {"sku": sku, "name": f"Edited {sku}", "description": "For a test", "price_cents": price, "stock": 1}


async def hammer(reads: list[Read], edit: Callable[[int], Awaitable[None]]) -> int:
    """Edit the price to 1, 2, 3, … while every one of `reads` runs all the time; how often they read."""
    answered, count, going = 0, 0, True

    async def reader(read: Read) -> None:
        nonlocal count
        while going:
            known = answered
            shown = await read()
            assert shown >= known, f"the edit to {known} was answered before this read began, which shows {shown}"
            count += 1

    readers = [asyncio.create_task(reader(reads[number % len(reads)])) for number in range(READERS)]
    for price in range(1, EDITS + 1):
        await edit(price)
        answered = price
        await asyncio.sleep(0.004 * (price % 4))
        assert not any(task.done() for task in readers), [task.exception() for task in readers if task.done()]
    going = False
    await asyncio.gather(*readers)
    return count


async def test_at_both_replicas(products: Client) -> None:
    sku = f"EDIT-{uuid.uuid4().hex[:8].upper()}"

    async def edit(price: int) -> None:
        body = {"items": [item(sku, price)]}
        done = await products.call("PUT", "/products", body, who=ADMINISTRATOR, replica=1 + price % 2)
        assert done.status == 200

    await edit(0)
    page = await products.call("GET", f"/products?q={sku}")
    path = f"/products/{page.body['items'][0]['id']}"

    def read(replica: int) -> Read:
        async def one() -> int:
            return int((await products.call("GET", path, replica=replica)).body["price_cents"])

        return one

    assert await hammer([read(1), read(2)], edit) > EDITS


async def test_through_the_edge(platform: Platform, administrator: dict[str, str]) -> None:
    sku = f"EDIT-{uuid.uuid4().hex[:8].upper()}"
    states: list[str] = []
    async with aiohttp.ClientSession(platform.base_url, timeout=aiohttp.ClientTimeout(total=60)) as http:

        async def edit(price: int) -> None:
            async with http.put("/products", json={"items": [item(sku, price)]}, headers=administrator) as done:
                assert done.status == 200, await done.text()
                assert "X-Stormglass-Degraded" not in done.headers

        async def get(path: str) -> Any:
            async with http.get(path) as answer:
                assert answer.status == 200, await answer.text()
                states.append(answer.headers["Cache-Status"])
                return json.loads(await answer.read())

        await edit(0)
        product_id = (await get(f"/products?q={sku}"))["items"][0]["id"]

        async def product() -> int:
            return int((await get(f"/products/{product_id}"))["price_cents"])

        async def page() -> int:
            return int((await get(f"/products?q={sku}"))["items"][0]["price_cents"])

        async def second_version() -> int:
            return round(float((await get(f"/v2/products/{product_id}"))["price"]["amount"]) * 100)

        assert await hammer([product, page, second_version], edit) > EDITS
    hits = sum("gateway; hit" in state for state in states)
    assert hits > len(states) / 10, f"{hits} of {len(states)} came from the gateways' cache: it was not at work"


async def test_a_large_edit_invalidates_everything(platform: Platform, administrator: dict[str, str]) -> None:
    mark = uuid.uuid4().hex[:8].upper()

    def body(price: int) -> dict[str, Any]:
        return {"items": [item(f"{mark}-{number}", price) for number in range(40)]}

    async with aiohttp.ClientSession(platform.base_url, timeout=aiohttp.ClientTimeout(total=60)) as http:
        for price in (100, 200):
            async with http.put("/products", json=body(price), headers=administrator) as done:
                assert done.status == 200
                assert "Cache-Group-Invalidation" not in done.headers
            async with http.get(f"/products?q={mark}&limit=100") as answer:
                items = (await answer.json())["items"]
            assert {each["price_cents"] for each in items} == {price}
            for each in items[:5]:
                async with http.get(f"/products/{each['id']}") as answer:
                    assert (await answer.json())["price_cents"] == price
