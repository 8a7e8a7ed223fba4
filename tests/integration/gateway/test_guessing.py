"""Guessing passwords and credentials: limited by address, over all gateways; whoever gets in is not held up."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from services.gateway.limits.windows import Window
from services.gateway.route import Policy
from stormglass.security.opaque import ApiKey
from tests.integration.gateway.conftest import Credential, Issue
from tests.integration.gateway.native import PASSWORD, Gateway
from tests.integration.gateway.standin import StandIn

LOG_INS = 10
REFUSED = 20
AT_ONCE = 12
"""Requests at once: both limits are reached within one lot, and no lot is so large that one of it runs out of time."""

_unused = (f"10.{number // 62500}.{number // 250 % 250}.{number % 250}" for number in itertools.count())


@pytest.fixture(scope="module")
async def gateways(
    directory: Path, standin: StandIn, standin_port: int, redis_port: int
) -> AsyncIterator[list[Gateway]]:
    pair = [
        Gateway(
            directory,
            internal=standin_port,
            redis=redis_port,
            traces=standin_port,
            rate=1_000_000,
            replica=number,
            redis_seconds=20.0,
            log_ins=LOG_INS,
            refused=REFUSED,
        )
        for number in (1, 2)
    ]
    async with pair[0].run(), pair[1].run():
        for gateway in pair:
            await gateway.ready()
        yield pair


def _address(policy: str, quota: int) -> dict[str, str]:
    """What makes a request come from an address of its own, whose window has a while to go."""
    known = Policy(policy, quota)
    return {"X-Forwarded-For": next(a for a in _unused if Window.of(known, f"address:{a}", time.time()).left > 45)}


async def _statuses(
    http: aiohttp.ClientSession, gateways: list[Gateway], method: str, path: str, *sent: dict[str, str]
) -> Counter[int]:
    async def one(number: int, headers: dict[str, str]) -> int:
        base = gateways[number % len(gateways)].base
        async with http.request(method, base + path, headers=headers) as answer:
            await answer.read()
            return answer.status

    answers: Counter[int] = Counter()
    for first in range(0, len(sent), AT_ONCE):
        lot = enumerate(sent[first : first + AT_ONCE], first)
        answers.update(await asyncio.gather(*(one(number, headers) for number, headers in lot)))
    return answers


@pytest.mark.parametrize("path", ["/tokens", "/sessions"])
async def test_failed_log_ins_are_limited_by_address(
    gateways: list[Gateway], http: aiohttp.ClientSession, path: str
) -> None:
    address = _address("log-in", LOG_INS)
    wrong = {**address, "X-Test": "wrong-password"}
    answers = await _statuses(http, gateways, "POST", path, *[wrong] * 50)
    assert answers == {401: LOG_INS, 429: 40}
    # not even the right password is looked at now, from there
    assert await _statuses(http, gateways, "POST", path, address) == {429: 1}
    assert await _statuses(http, gateways, "POST", path, _address("log-in", LOG_INS)) == {200: 1}
    async with http.post(gateways[0].base + path, headers=address) as answer:
        policies = f'"default";q=1000000;w=60, "log-in";q={LOG_INS};w=60'
        assert answer.headers["RateLimit-Policy"] == policies
        assert ', "log-in";r=0;t=' in answer.headers["RateLimit"]
        assert int(answer.headers["Retry-After"]) > 30


async def test_failures_are_not_given_back_and_count_whoever_one_says_one_is(
    gateways: list[Gateway], http: aiohttp.ClientSession, bearer: Issue
) -> None:
    address = _address("log-in", LOG_INS)
    seen = []
    for number in range(LOG_INS + 2):
        # each under another account: it is the passwords of others that are guessed
        headers = {**address, **bearer(f"mallory-{number}"), "X-Test": "wrong-password"}
        async with http.post(f"{gateways[0].base}/users/me/password", headers=headers) as answer:
            seen.append(answer.status)
    assert seen == [401] * LOG_INS + [429, 429]


async def test_log_ins_that_succeed_are_given_back(gateways: list[Gateway], http: aiohttp.ClientSession) -> None:
    address = _address("log-in", LOG_INS)
    for _ in range(3 * LOG_INS):
        async with http.post(f"{gateways[0].base}/tokens", headers=address) as answer:
            assert answer.status == 200
    # one that fails for want of a service is no guess either
    for _ in range(LOG_INS):
        async with http.post(f"{gateways[0].base}/tokens", headers={**address, "X-Test": "balancer-504"}) as answer:
            assert answer.status == 504
    async with http.post(f"{gateways[0].base}/tokens", headers={**address, "X-Test": "wrong-password"}) as answer:
        assert f'"log-in";r={LOG_INS - 1};' in answer.headers["RateLimit"]


async def test_bad_credentials_are_limited_by_address_and_good_ones_are_not(
    gateways: list[Gateway], http: aiohttp.ClientSession, standin: StandIn, bearer: Issue, credential: Credential
) -> None:
    address = _address("refused", REFUSED)
    known = {**credential("api-key"), **address}
    assert await _statuses(http, gateways, "GET", "/orders", known, known) == {200: 2}
    guesses = [{**address, "X-API-Key": str(ApiKey.new())} for _ in range(3 * REFUSED)]
    answers = await _statuses(http, gateways, "GET", "/orders", *guesses)
    assert answers == {401: REFUSED, 429: 2 * REFUSED}
    # from now on nobody is asked about what comes from there, and no signature is verified; what was known goes on
    before = len(standin.credentials_asked)
    unknown = [*guesses[:4], {**address, **credential("api-key")}, {**address, **bearer()}]
    assert await _statuses(http, gateways, "GET", "/orders", *unknown) == {429: len(unknown)}
    assert len(standin.credentials_asked) == before
    assert await _statuses(http, gateways, "GET", "/orders", known, known) == {200: 2}
    elsewhere = _address("refused", REFUSED)
    assert await _statuses(http, gateways, "GET", "/orders", {**elsewhere, **bearer()}) == {200: 1}
    # a browser with an ended session may still look at what is for everybody
    stale = {**address, "Cookie": f"__Host-session={'x' * 43}"}
    assert await _statuses(http, gateways, "GET", "/products", stale) == {200: 1}


async def test_no_count_stays_for_ever(gateways: list[Gateway], http: aiohttp.ClientSession, redis_port: int) -> None:
    async with http.post(f"{gateways[0].base}/tokens", headers=_address("log-in", LOG_INS)) as answer:
        assert answer.status == 200
    async with Redis(port=redis_port, password=PASSWORD) as redis:
        keys = [key async for key in redis.scan_iter("limit:*")]
        assert len(keys) >= 2
        lives = [await redis.ttl(key) for key in keys]
    # -2: gone meanwhile
    assert all(life == -2 or 0 <= life <= 120 for life in lives), lives
