"""Whoever asks, and however: nothing of it is ever in the shared cache, and nobody shapes what others get."""

import asyncio
import uuid

import aiohttp
import pytest
from redis.asyncio import Redis

from tests.integration.gateway.cache.resource import Resource, get
from tests.integration.gateway.conftest import Credential, Issue
from tests.integration.gateway.native import Gateway

pytestmark = pytest.mark.owasp("API3")


async def _everything(redis: Redis) -> bytes:
    """Every byte that the cache has in Redis: keys and values."""
    found = bytearray()
    async for key in redis.scan_iter("gateway-cache:*", count=1000):
        found += key + b"\n" + (await redis.dump(key) or b"")
        if await redis.type(key) == b"hash":
            for name, value in (await redis.hgetall(key)).items():  # type: ignore[misc]  # redis-py types its two clients as one
                found += name + b"\n" + value + b"\n"
    return bytes(found)


async def test_a_mixed_run_leaves_nothing_of_anybody(
    pair: list[Gateway],
    http: aiohttp.ClientSession,
    resource: Resource,
    bearer: Issue,
    credential: Credential,
    redis: Redis,
) -> None:
    marks = [f"mark{uuid.uuid4().hex}" for _ in range(6)]
    asked = [
        {**bearer(f"person-{marks[0]}"), "X-Personal": marks[1]},
        credential("session", f"person-{marks[2]}") | {"User-Agent": marks[3]},
        credential("api-key", f"person-{marks[4]}") | {"X-Forwarded-For": "203.0.113.77"},
        {"X-Forwarded-Host": marks[5], "X-Original-URL": f"/{marks[5]}"},
    ]
    secrets = [value for headers in asked for value in headers.values()]
    for headers in asked:
        for gateway in pair:
            for control in ({}, {"Cache-Control": "no-cache"}, {"Cache-Control": "max-age=1"}):
                assert (await get(http, gateway, resource, {**headers, **control})).status == 200
            # routes that are nobody else's business; the service behind echoes all it is sent
            for path in ("/orders", "/users/me", "/sessions"):
                await get(http, gateway, path, headers)
    there = await _everything(redis)
    assert b"one" in there, "the page itself is stored: the scan sees what there is"
    for text in [*marks, *secrets, "203.0.113.77", "x-stormglass-identity", "x-request-id", "x-trace-id", "set-cookie"]:
        assert text.encode() not in there, text


async def test_a_fetch_is_on_nobody_s_behalf(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource, bearer: Issue
) -> None:
    headers = {
        **bearer("somebody"),
        "Accept-Language": "de",
        "X-Host-Override": "evil",
        "User-Agent": "mine",
        "Referer": "there",
        "Range": "bytes=0-1",
        "If-None-Match": '"mine"',
        "Origin": "https://evil.example",
    }
    seen = await get(http, pair[0], resource, headers)
    assert (seen.status, seen.body) == (200, b"one"), "a part of it would be nobody else's"
    (asked,) = resource.asked
    assert asked["Accept-Language"] == "de"
    personal = {
        "X-Stormglass-Identity",
        "Authorization",
        "X-Host-Override",
        "Referer",
        "Range",
        "If-None-Match",
        "Origin",
    }
    assert not personal & set(asked)
    assert "mine" not in asked.get("User-Agent", "")


async def test_answers_that_hint_at_a_person_are_not_stored(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource
) -> None:
    cases = [
        ("private", "max-age=60", {}, "private"),
        ("public, private", "max-age=60", {}, "private"),
        ("no-store", "max-age=60, public", {}, "no-store"),
        ("no-cache", "max-age=60", {}, "not-public"),
        ("public", "max-age=60, private", {}, "private"),
        ("public", "max-age=60", {"Set-Cookie": "a=b"}, "set-cookie"),
        ("public", "max-age=60", {"X-Stormglass-Degraded": "stale-cache"}, "degraded"),
    ]
    for number, (public, control, more, reason) in enumerate(cases):
        resource.public, resource.control, resource.more, resource.body = public, control, more, str(number).encode()
        for gateway in pair:
            seen = await get(http, gateway, resource)
            assert seen.cache == f"fwd=miss; fwd-status=200; detail={reason}", (public, control, more)
            assert seen.body == str(number).encode()
        await asyncio.sleep(0)
    assert len(resource.asked) == 2 * len(cases)


async def test_a_private_answer_in_place_of_a_public_one_is_not_shared(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource
) -> None:
    resource.control = "max-age=1, stale-if-error=60"
    await get(http, pair[0], resource)
    await asyncio.sleep(1.2)
    resource.public, resource.body = "private", b"yours alone"
    assert (await get(http, pair[0], resource)).body == b"yours alone"
    resource.status = 503
    degraded = await get(http, pair[1], resource)
    assert (degraded.status, degraded.body) == (200, b"one")
