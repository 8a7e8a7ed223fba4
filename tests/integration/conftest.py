import asyncio
import os
from collections.abc import AsyncIterator

import aiohttp
import pytest

from stormglass.runtime.migrate import migrate
from stormglass.testing import Platform
from tests.integration.worker.shop import Shop

PROCESSES = "postgres,redis,mail,traces,users,products,orders,edge"


@pytest.fixture(scope="session")
async def without_workers() -> AsyncIterator[Platform]:
    """An instance of its own, in which nobody but the tests consumes events."""
    handle = Platform(os.environ.get("STORMGLASS_TEST_INSTANCE", "test") + "-worker")
    port = os.environ.get("STORMGLASS_TEST_WORKER_PORT")
    try:
        where = ("--base-port", port) if port else ()
        await asyncio.to_thread(handle.run, "up", "--fresh", "--only", PROCESSES, *where, timeout=300)
        host, _, postgres = handle.address("postgres").rpartition(":")
        password = handle.secret("worker", "database_password")
        await migrate("worker", "worker.migrations", host=host, port=int(postgres), password=password)
        yield handle
    finally:
        await asyncio.to_thread(handle.run, "down", "--purge", check=False)


@pytest.fixture
async def shop(without_workers: Platform) -> AsyncIterator[Shop]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:
        made = Shop(without_workers, http)
        await made.begin()
        yield made
