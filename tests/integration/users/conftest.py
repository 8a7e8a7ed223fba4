from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from stormglass.data.database import Database
from stormglass.runtime.ports import free_port
from stormglass.testing import Platform
from tests.integration.products.client import Client
from tests.integration.products.replica import Replica, own_replica
from tests.integration.products.shop import pool
from tests.integration.users.person import Person


@pytest.fixture
async def users(platform: Platform) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield Client(session, platform, "users")


@pytest.fixture
async def ada(users: Client) -> Person:
    return await Person(users).register()


@pytest.fixture
async def database(platform: Platform) -> AsyncIterator[Database]:
    opened = pool(platform, service="users")
    yield opened
    await opened.engine.dispose()


@pytest.fixture
async def redis(platform: Platform) -> AsyncIterator[Redis]:
    host, _, port = platform.address("redis").rpartition(":")
    async with Redis(host=host, port=int(port), password=platform.secret("redis", "password")) as client:
        yield client


@pytest.fixture
async def cut_off(platform: Platform, tmp_path: Path) -> AsyncIterator[Replica]:
    """A replica that cannot reach Redis, and lets an account have little."""
    options = {
        "STORMGLASS_ADDRESS_REDIS": f"127.0.0.1:{free_port()}",
        "STORMGLASS_USERS_LOGINS_PER_ACCOUNT": "3",
        "STORMGLASS_USERS_KEYS_PER_ACCOUNT": "3",
    }
    async with own_replica(platform, tmp_path / "users.log", service="users", **options) as running:
        yield running
