"""How often a caller may come: over all gateways together, and without Redis."""

import asyncio
import re
import time
from collections import Counter
from pathlib import Path

import aiohttp

from services.gateway.limits.windows import Window
from services.gateway.route import Policy
from stormglass.runtime.ports import free_port
from tests.integration.gateway.conftest import Issue
from tests.integration.gateway.native import Gateway, eventually, valkey
from tests.integration.gateway.standin import StandIn

QUOTA = 40


async def _burst(
    http: aiohttp.ClientSession, gateways: list[Gateway], headers: dict[str, str], count: int
) -> tuple[int, int]:
    """How many were let through the limit (whatever became of them then), and how many were not."""

    async def one(number: int) -> int:
        async with http.get(f"{gateways[number % len(gateways)].base}/products", headers=headers) as answer:
            await answer.read()
            return answer.status

    answers = Counter(await asyncio.gather(*(one(number) for number in range(count))))
    return count - answers[429], answers[429]


def _caller(least: float = 45, most: float = 60) -> str:
    """A caller whose window ends in `least` to `most` seconds."""
    names = (f"caller-{time.time_ns()}-{number}" for number in range(100_000))
    return next(name for name in names if least < _left(name) <= most)


def _left(caller: str) -> float:
    return Window.of(Policy("default", QUOTA), f"subject:{caller}", time.time()).left


async def test_two_gateways_admit_exactly_the_quota_and_a_dead_redis_stops_nobody(
    directory: Path, http: aiohttp.ClientSession, standin: StandIn, standin_port: int, bearer: Issue, tmp_path: Path
) -> None:
    redis_port = free_port()
    # a slow machine must not look like a Redis that is away: that is what the second half is about
    gateways = [
        Gateway(
            directory,
            internal=standin_port,
            redis=redis_port,
            traces=standin_port,
            rate=QUOTA,
            replica=number,
            redis_seconds=20.0,
        )
        for number in (1, 2)
    ]
    async with valkey(redis_port, tmp_path) as redis, gateways[0].run(), gateways[1].run():
        for gateway in gateways:
            await gateway.ready()
        caller = _caller()
        assert await _burst(http, gateways, bearer(caller), 3 * QUOTA) == (QUOTA, 2 * QUOTA)
        async with http.get(f"{gateways[0].base}/products", headers=bearer(caller)) as answer:
            assert answer.status == 429
            assert answer.headers["RateLimit-Policy"] == f'"default";q={QUOTA};w=60'
            limit = re.fullmatch(r'"default";r=0;t=(\d+)', answer.headers["RateLimit"])
            assert limit
            assert answer.headers["Retry-After"] == limit[1]
            assert (await answer.json())["type"] == "urn:stormglass:problem:rate-limited"
        # over the edge of two windows it is twice the quota, and not one more
        caller = _caller(14, 15)
        assert await _burst(http, gateways, bearer(caller), 2 * QUOTA) == (QUOTA, QUOTA)
        assert _left(caller) < 15, "this machine was too slow for one burst in 14 s"
        await asyncio.sleep(_left(caller) + 0.05)
        assert await _burst(http, gateways, bearer(caller), 2 * QUOTA) == (QUOTA, QUOTA)
        # somebody else, and somebody without a token, have quotas of their own
        assert await _burst(http, gateways, bearer(_caller()), 2) == (2, 0)
        async with http.get(f"{gateways[0].base}/products", headers={"X-Forwarded-For": "6.6.6.6, 192.0.2.1"}) as first:
            assert first.headers["RateLimit"].startswith(f'"default";r={QUOTA - 1};')
        async with http.get(f"{gateways[1].base}/products", headers={"X-Forwarded-For": "7.7.7.7, 192.0.2.1"}) as then:
            assert then.headers["RateLimit"].startswith(f'"default";r={QUOTA - 2};')

        redis.kill()
        await redis.wait()
        caller = _caller()
        assert await _burst(http, gateways, bearer(caller), 2 * QUOTA) == (QUOTA, QUOTA)
        async with http.get(f"{gateways[0].base}/products", headers=bearer(caller)) as answer:
            assert answer.headers["RateLimit-Policy"] == f'"default";q={QUOTA // 2};w=60'
        for gateway in gateways:
            assert (await gateway.readiness())[0] == 200
            metrics = await gateway.metrics()
            assert 'fallback_total{dependency="redis",fallback="local_limiter"}' in metrics

        async with valkey(redis_port, tmp_path):

            async def shared_again() -> bool:
                async with http.get(f"{gateways[0].base}/products", headers=bearer(_caller())) as answer:
                    return answer.headers["RateLimit-Policy"] == f'"default";q={QUOTA};w=60'

            await eventually(shared_again)


async def test_a_redis_that_does_not_answer_is_not_waited_for_by_everybody(
    directory: Path, http: aiohttp.ClientSession, standin: StandIn, standin_port: int
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    port = free_port()
    server = await asyncio.start_server(silent, "127.0.0.1", port)
    gateway = Gateway(directory, internal=standin_port, redis=port, traces=standin_port, rate=1_000_000)
    async with server, gateway.run():
        await gateway.ready()
        took = []
        end = time.monotonic() + 4
        while time.monotonic() < end:
            begun = time.monotonic()
            async with http.get(f"{gateway.base}/products") as answer:
                assert answer.status == 200
            took.append(time.monotonic() - begun)
    # it is asked about once a second, and whoever asks waits for 250 ms; if everybody did, all would take that long
    assert sum(seconds > 0.24 for seconds in took) <= len(took) // 2
