from collections.abc import AsyncIterator

import aiohttp
import pytest

from stormglass.data.database import Database
from stormglass.testing import Platform
from tests.integration.products.client import Client
from tests.integration.products.shop import pool


@pytest.fixture
async def products(platform: Platform) -> AsyncIterator[Client]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield Client(session, platform, "products")


@pytest.fixture
async def database(platform: Platform) -> AsyncIterator[Database]:
    opened = pool(platform)
    yield opened
    await opened.engine.dispose()
