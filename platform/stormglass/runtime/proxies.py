"""Keeping a running fault proxy in line with the edges. What exists already is left alone, and its faults with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import httpx

from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance
from stormglass.runtime.render.faultproxy import proxies

SECONDS = 5.0
"""Longest wait for one answer."""


async def make_missing(instance: Instance) -> None:
    """Make the proxies of edges that have none yet: before anybody is told to use them."""
    async with _server(instance) as client:
        present = (await client.get("/proxies")).raise_for_status().json()
        for proxy in proxies(instance):
            if proxy["name"] not in present:
                (await client.post("/proxies", json=proxy)).raise_for_status()


async def remove_surplus(instance: Instance) -> None:
    """Remove the proxies of edges that are no more: after everybody has ceased to use them."""
    async with _server(instance) as client:
        present = set((await client.get("/proxies")).raise_for_status().json())
        for name in present & {e.name for e in instance.topology.edges} - {p["name"] for p in proxies(instance)}:
            (await client.delete(f"/proxies/{quote(name, safe='')}")).raise_for_status()


@asynccontextmanager
async def _server(instance: Instance) -> AsyncIterator[httpx.AsyncClient]:
    address = instance.address("toxiproxy")
    try:
        # the proxies that the user's environment names are not asked the way to 127.0.0.1
        async with httpx.AsyncClient(base_url=f"http://{address}", timeout=SECONDS, trust_env=False) as client:
            yield client
    except httpx.HTTPStatusError as error:
        words = error.response.text.strip()
        raise RuntimeFailure(f"the fault proxy refuses {error.request.url.path}: {words}") from error
    except httpx.HTTPError as error:
        raise RuntimeFailure(
            f"the fault proxy does not answer at {address} ({error or type(error).__name__}):"
            " see `stormglass status` and `stormglass logs faultproxy`"
        ) from error
