"""A revocation counts at once on every gateway, though the credential was verified before; without Redis, later."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from stormglass.runtime.ports import free_port
from stormglass.security import revocation
from stormglass.security.revocation import Revocations
from tests.integration.gateway.conftest import Credential, Issue
from tests.integration.gateway.native import PASSWORD, Gateway, eventually, valkey
from tests.integration.gateway.standin import StandIn


@pytest.fixture
async def redis(redis_port: int) -> AsyncIterator[Redis]:
    async with Redis(port=redis_port, password=PASSWORD) as client:
        yield client


@pytest.mark.parametrize("kind", ["bearer", "session", "api-key"])
async def test_it_counts_at_once(
    gateway: Gateway,
    http: aiohttp.ClientSession,
    standin: StandIn,
    redis: Redis,
    bearer: Issue,
    credential: Credential,
    kind: str,
) -> None:
    login = uuid.uuid4()
    headers = bearer(login_id=login) if kind == "bearer" else credential(kind)
    other = bearer(login_id=uuid.uuid4()) if kind == "bearer" else credential(kind)
    for each in (headers, other):
        async with http.get(f"{gateway.base}/orders", headers=each) as answer:
            assert answer.status == 200
    secret = headers.get("X-API-Key") or headers.get("Cookie", "=").partition("=")[2]
    named = revocation.login(login) if kind == "bearer" else standin.credentials[secret]["credential"]
    assert await Revocations(redis).revoke(named)
    standin.seen.clear()
    for _ in range(3):
        async with http.get(f"{gateway.base}/orders", headers=headers) as answer:
            assert answer.status == 401
            assert (await answer.json())["type"] == "urn:stormglass:problem:invalid-token"
    assert standin.seen == []
    async with http.get(f"{gateway.base}/orders", headers=other) as answer:
        assert answer.status == 200
    # where no credential is needed, an ended session is none; a token or a key that is shown must be good
    async with http.get(f"{gateway.base}/products", headers=headers) as answer:
        assert answer.status == (200 if kind == "session" else 401)
        if kind == "session":
            names = {name.lower() for name, _ in (await answer.json())["headers"]}
            assert "x-stormglass-identity" not in names


async def test_without_redis_nobody_can_tell_and_that_is_told(
    directory: Path, http: aiohttp.ClientSession, standin: StandIn, standin_port: int, bearer: Issue, tmp_path: Path
) -> None:
    port = free_port()
    gateway = Gateway(directory, internal=standin_port, redis=port, traces=standin_port, rate=1_000_000)
    login = uuid.uuid4()
    headers = bearer(login_id=login)
    async with valkey(port, tmp_path) as server, gateway.run(), Redis(port=port, password=PASSWORD) as client:
        await gateway.ready()

        async def told() -> bool:
            return await Revocations(client).revoke(revocation.login(login))

        await eventually(told)

        async def refused() -> bool:
            async with http.get(f"{gateway.base}/orders", headers=headers) as answer:
                return answer.status == 401

        await eventually(refused)
        server.kill()
        await server.wait()
        async with http.get(f"{gateway.base}/orders", headers=headers) as answer:
            assert answer.status == 200
        assert 'fallback_total{dependency="redis",fallback="revocation_unchecked"}' in await gateway.metrics()
