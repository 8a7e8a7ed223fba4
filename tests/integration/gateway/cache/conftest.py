import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from stormglass.runtime.ports import free_port
from tests.integration.gateway.cache.resource import Resource
from tests.integration.gateway.native import PASSWORD, Gateway, valkey
from tests.integration.gateway.standin import StandIn


@pytest.fixture(scope="session")
async def shared_port(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[int]:
    port = free_port()
    async with valkey(port, tmp_path_factory.mktemp("shared-cache")):
        yield port


@pytest.fixture(scope="session")
async def redis(shared_port: int) -> AsyncIterator[Redis]:
    async with Redis(port=shared_port, password=PASSWORD) as client:
        yield client


@pytest.fixture(scope="session")
async def pair(directory: Path, standin: StandIn, standin_port: int, shared_port: int) -> AsyncIterator[list[Gateway]]:
    """Two gateways with one Redis; slowness of this machine is not to look like an outage."""
    gateways = [
        Gateway(
            directory,
            internal=standin_port,
            redis=shared_port,
            traces=standin_port,
            rate=1_000_000,
            replica=number,
            redis_seconds=10.0,
            cache_wait=20.0,
        )
        for number in (1, 2)
    ]
    async with gateways[0].run(), gateways[1].run():
        for gateway in gateways:
            await gateway.ready()
        yield gateways


@pytest.fixture
def resource(standin: StandIn) -> Iterator[Resource]:
    """A product page of its own, on the service behind the gateways."""
    path = f"/products/{uuid.uuid4()}"
    standin.pages[path] = made = Resource(path)
    yield made
    del standin.pages[path]
