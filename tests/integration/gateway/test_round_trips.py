"""What a request costs in round trips to Redis, measured between the gateway and Redis: at most one, whatever it is."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from stormglass.runtime.ports import free_port
from tests.integration.gateway.conftest import Credential, Issue
from tests.integration.gateway.counting import Counts, counting
from tests.integration.gateway.native import Gateway, eventually
from tests.integration.gateway.standin import StandIn

LIMIT = ["SET", "INCR"]


@pytest.fixture(scope="module")
async def counts(redis_port: int) -> AsyncIterator[tuple[Counts, int]]:
    port = free_port()
    async with counting(port, redis_port) as counts:
        yield counts, port


@pytest.fixture(scope="module")
async def counted(
    directory: Path, standin: StandIn, standin_port: int, counts: tuple[Counts, int]
) -> AsyncIterator[Gateway]:
    # a slow machine must not look like a Redis that is away: then nothing would be asked
    gateway = Gateway(
        directory, internal=standin_port, redis=counts[1], traces=standin_port, rate=1_000_000, redis_seconds=10.0
    )
    async with gateway.run():
        await gateway.ready()
        yield gateway


CASES: dict[str, tuple[str, str, int, list[list[str]]]] = {
    "anonymous": ("GET", "/.well-known/nothing", 404, []),
    "options": ("OPTIONS", "/orders", 204, []),
    "odd": ("GET", "/orders//", 400, []),
    "no method": ("DELETE", "/orders", 405, []),
    "no credential": ("GET", "/orders", 401, [LIMIT]),
    "bearer": ("GET", "/orders", 200, [LIMIT]),
    "bearer of a log-in": ("GET", "/orders", 200, [[*LIMIT, "EXISTS"]]),
    "head": ("HEAD", "/orders", 200, [LIMIT]),
    "session": ("GET", "/orders", 200, [[*LIMIT, "EXISTS"]]),
    "api key": ("GET", "/orders", 200, [[*LIMIT, "EXISTS"]]),
    "without the scope": ("PUT", "/products", 403, [LIMIT]),
    "without the csrf token": ("DELETE", "/sessions", 403, [[*LIMIT, "EXISTS"]]),
    "bad bearer": ("GET", "/orders", 401, [LIMIT]),
    "bad session": ("GET", "/orders", 401, [LIMIT]),
    "bad api key": ("GET", "/orders", 401, [LIMIT]),
    "two credentials": ("GET", "/orders", 400, [LIMIT]),
    "failed log-in": ("POST", "/tokens", 401, [[*LIMIT, *LIMIT]]),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_request_makes_at_most_one(
    counted: Gateway,
    counts: tuple[Counts, int],
    http: aiohttp.ClientSession,
    bearer: Issue,
    credential: Credential,
    case: str,
) -> None:
    method, path, status, wanted = CASES[case]
    session, key = credential("session"), credential("api-key")
    headers = {
        "bearer": bearer(),
        "bearer of a log-in": bearer(login_id=uuid.uuid4()),
        "head": bearer(),
        "session": session,
        "api key": key,
        "without the scope": bearer(),
        "without the csrf token": session,
        "bad bearer": {"Authorization": "Bearer x"},
        "bad session": {"Cookie": f"__Host-session={'x' * 43}"},
        "bad api key": {"X-API-Key": f"sgk_{'x' * 12}_{'x' * 43}"},
        "two credentials": {**bearer(), **key},
        "failed log-in": {"X-Test": "wrong-password"},
    }.get(case, {})
    for _ in range(2):  # verified anew, and remembered
        counts[0].clear()
        async with http.request(method, counted.base + path, headers=headers) as answer:
            await answer.read()
            assert answer.status == status
        assert counts[0].names == wanted


async def test_an_answer_out_of_the_cache_makes_one_too(
    counted: Gateway, counts: tuple[Counts, int], http: aiohttp.ClientSession, standin: StandIn, bearer: Issue
) -> None:
    path = f"/products/{uuid.uuid4()}"
    cacheable = {"Cache-Control": "public, max-age=60"}

    async def page(request: web.BaseRequest) -> web.Response:
        return web.json_response({"id": path}, headers=cacheable)

    async def answered() -> str:
        async with http.get(counted.base + path, headers=headers) as answer:
            assert answer.status == 200
            return answer.headers["Cache-Status"]

    async def stored() -> bool:
        return "hit" in await answered()

    standin.pages[path] = page
    headers = bearer(login_id=uuid.uuid4())
    await answered()
    await eventually(stored)
    del standin.pages[path]
    counts[0].clear()
    assert "hit" in await answered()
    assert counts[0].names == [[*LIMIT, "EXISTS", "EVALSHA"]]


async def test_what_a_log_in_gives_back_rides_with_the_next_request(
    counted: Gateway, counts: tuple[Counts, int], http: aiohttp.ClientSession, standin: StandIn
) -> None:
    counts[0].clear()
    number = 20
    for _ in range(number):
        async with http.post(f"{counted.base}/tokens", json={}) as answer:
            assert answer.status == 200

    async def all_given_back() -> bool:
        return sum(trip.count("DECR") for trip in counts[0].names) == number

    await eventually(all_given_back)
    # a span of what left alone would be here by then
    await asyncio.sleep(0.5)
    # the last one's leaves alone; on a machine that is slow enough to pause between two requests, others may too
    assert len(counts[0].trips) <= 2 * number
    assert not [span for span in standin.spans if span.name == "PIPELINE" and not span.parent_span_id]
    commands = [name for trip in counts[0].names for name in trip]
    assert commands.count("DECR") == number
    assert commands.count("INCR") == 2 * number


async def test_many_at_once(
    counted: Gateway, counts: tuple[Counts, int], http: aiohttp.ClientSession, bearer: Issue
) -> None:
    headers = bearer(login_id=uuid.uuid4())

    async def one() -> int:
        async with http.get(f"{counted.base}/orders", headers=headers) as answer:
            return answer.status

    counts[0].clear()
    begun = time.monotonic()
    assert await asyncio.gather(*(one() for _ in range(40))) == [200] * 40
    assert len(counts[0].trips) <= 40, time.monotonic() - begun
    assert all(trip == [*LIMIT, "EXISTS"] for trip in counts[0].names)
