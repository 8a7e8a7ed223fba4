from collections.abc import AsyncIterator

import aiohttp
import pytest

from stormglass.testing import Platform
from tests.integration.products.client import Client


@pytest.fixture
async def users(platform: Platform) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield Client(session, platform, "users")
