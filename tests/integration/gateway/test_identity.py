"""Who gets in: tokens, keys, their rotation, and the outage of whoever publishes them."""

from pathlib import Path

import aiohttp
import jwt
import pytest

from stormglass.runtime.ports import free_port
from tests.integration.gateway.conftest import Issue, new_key
from tests.integration.gateway.native import Gateway, eventually
from tests.integration.gateway.standin import StandIn


async def test_no_token(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{gateway.base}/orders") as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="stormglass"'
        assert (await answer.json())["type"] == "urn:stormglass:problem:unauthenticated"
        assert "RateLimit" in answer.headers


async def test_a_scope_that_is_missing(gateway: Gateway, http: aiohttp.ClientSession, bearer: Issue) -> None:
    async with http.put(f"{gateway.base}/products", json={}, headers=bearer()) as answer:
        assert answer.status == 403
        challenge = answer.headers["WWW-Authenticate"]
    assert challenge == 'Bearer realm="stormglass", error="insufficient_scope", scope="products:write"'


@pytest.mark.parametrize("kind", ["expired", "other key", "none", "hs256", "basic", "garbage", "service"])
async def test_tokens_that_are_not_good(
    gateway: Gateway, http: aiohttp.ClientSession, standin: StandIn, bearer: Issue, kind: str
) -> None:
    claims = {"sub": "eve", "iat": 0, "exp": 2**33, "jti": "x", "scope": "orders:read"}
    header = {"kid": standin.keys[0].key_id, "typ": "at+jwt"}
    sent = {
        "expired": bearer("eve", lifetime=-60)["Authorization"],
        "other key": f"Bearer {new_key().issue('eve', ['orders:read'], lifetime=60)}",
        "none": f"Bearer {jwt.encode(claims, '', algorithm='none', headers=header)}",
        "hs256": f"Bearer {jwt.encode(claims, standin.keys[0].jwk['x'], algorithm='HS256', headers=header)}",
        "basic": "Basic ZXZlOmV2ZQ==",
        "garbage": "Bearer ..",
        "service": bearer("service:worker", ("orders:read",))["Authorization"],
    }[kind]
    for path in ("/orders", "/products"):  # required, and optional: a bad token is not the same as none
        async with http.get(gateway.base + path, headers={"Authorization": sent}) as answer:
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


async def test_a_token_is_not_looked_at_where_none_is_wanted(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{gateway.base}/tokens", json={}, headers={"Authorization": "Bearer x"}) as answer:
        assert answer.status == 200


async def test_unknown_key_ids_do_not_make_us_ask_again_and_again(
    gateway: Gateway, http: aiohttp.ClientSession, standin: StandIn
) -> None:
    before = standin.keys_asked
    for _ in range(60):
        token = new_key().issue("eve", [], lifetime=60)
        async with http.get(f"{gateway.base}/orders", headers={"Authorization": f"Bearer {token}"}) as answer:
            assert answer.status == 401
    # one every 5 s for unknown ids; every gateway that other tests have left running refreshes its keys every 3 s, too
    assert standin.keys_asked - before < 30


async def test_rotation_and_outage(
    gateway: Gateway, http: aiohttp.ClientSession, standin: StandIn, bearer: Issue
) -> None:
    async def accepted(headers: dict[str, str]) -> bool:
        async with http.get(f"{gateway.base}/orders", headers=headers) as answer:
            return answer.status == 200

    old = bearer()
    standin.keys.insert(0, new_key())
    new = bearer()
    # at the latest when an unknown id may be asked for again
    assert await eventually(lambda: accepted(new), seconds=15)
    assert await accepted(old)
    standin.keys.pop()

    async def withdrawn() -> bool:
        return not await accepted(old)

    assert await eventually(withdrawn, seconds=15)  # though it was verified, and remembered, before
    standin.keys_up = False
    try:
        asked = standin.keys_asked

        async def asked_in_vain() -> bool:
            return standin.keys_asked > asked + 1

        await eventually(asked_in_vain)
        assert await accepted(new)
        assert await accepted(bearer())
    finally:
        standin.keys_up = True


async def test_without_keys_and_services(
    directory: Path, http: aiohttp.ClientSession, standin_port: int, redis_port: int, bearer: Issue
) -> None:
    nobody = free_port()
    gateway = Gateway(directory, internal=nobody, redis=redis_port, traces=standin_port, rate=1_000_000)
    async with gateway.run():

        async def up() -> tuple[int, dict[str, dict[str, str]]]:
            return await gateway.readiness()

        status, body = await eventually(up)
        assert status == 503
        assert "no keys from the users service" in body["problems"]["keys"]
        async with http.get(f"{gateway.base}/orders", headers=bearer()) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
            assert (await answer.json())["type"] == "urn:stormglass:problem:keys-unavailable"
        async with http.get(f"{gateway.base}/products") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
            assert (await answer.json())["type"] == "urn:stormglass:problem:upstream-unreachable"
        assert 'retry_total{dependency="products"} 1.0' in await gateway.metrics()
        async with http.post(f"{gateway.base}/users", json={}) as answer:
            assert answer.status == 503
        assert 'retry_total{dependency="users"} 0.0' in await gateway.metrics()
