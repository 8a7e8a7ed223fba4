"""What clients get out of the cache, through two gateways that share it."""

import asyncio
import re
import time

import aiohttp
import pytest
from redis.asyncio import Redis

from services.gateway.cache.groups import identifier
from services.gateway.cache.scripts import PREFIX
from tests.integration.gateway.cache.resource import Resource, get
from tests.integration.gateway.conftest import Issue
from tests.integration.gateway.native import PASSWORD, Gateway, eventually
from tests.integration.gateway.standin import StandIn


async def test_one_gateway_fetches_and_both_serve(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource
) -> None:
    first = await get(http, pair[0], resource)
    second = await get(http, pair[1], resource)
    assert (first.status, first.body, first.cache) == (200, b"one", "fwd=miss; fwd-status=200; stored")
    assert (second.status, second.body) == (200, b"one")
    assert re.fullmatch(r"hit; ttl=(5[5-9]|60)", second.cache), second.cache
    assert 0 <= int(second.headers["Age"]) <= 5
    assert second.headers["ETag"] == first.headers["ETag"]
    assert second.headers["Content-Type"] == first.headers["Content-Type"]
    assert second.headers["Content-Length"] == "3"
    assert second.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert "RateLimit" in second.headers
    assert len(resource.asked) == 1


async def test_a_miss_is_fetched_once_whoever_asks(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource
) -> None:
    resource.seconds = 0.2
    answers = await asyncio.gather(*(get(http, pair[number % 2], resource) for number in range(200)))
    assert {(answer.status, answer.body) for answer in answers} == {(200, b"one")}
    assert len(resource.asked) == 1
    told = [answer.cache.partition(";")[0] for answer in answers]
    assert told.count("fwd=miss") + told.count("hit") == 200
    assert sum("stored" in answer.cache for answer in answers) == 1


async def test_a_fetcher_whose_answer_cannot_be_shared_holds_nobody_up(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource
) -> None:
    resource.public, resource.seconds = "private", 0.5
    begun = time.monotonic()
    answers = await asyncio.gather(*(get(http, pair[number % 2], resource) for number in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert len(resource.asked) == 20
    assert time.monotonic() - begun < 8, "after the first one they go side by side, which would be 10 s one by one"
    assert {answer.cache for answer in answers} == {"fwd=miss; fwd-status=200; detail=private"}


async def test_validated_by_the_client(pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource) -> None:
    etag = (await get(http, pair[0], resource)).headers["ETag"]
    known = await get(http, pair[1], resource, {"If-None-Match": f'"other", W/{etag}'})
    assert (known.status, known.body, known.headers["ETag"]) == (304, b"", etag)
    assert known.cache.startswith("hit")
    assert "Age" in known.headers
    assert (await get(http, pair[1], resource, {"If-None-Match": '"other"'})).status == 200
    assert len(resource.asked) == 1
    # also where it has to be fetched first: for everybody, so without the client's condition
    resource.body = b"two"
    fresh = await get(http, pair[0], resource, {"If-None-Match": '"74776f"', "Cache-Control": "no-cache"})
    assert fresh.status == 304
    assert resource.statuses == [200, 200]


async def test_validated_at_the_service(pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource) -> None:
    resource.control = "max-age=1"
    resource.more = {"X-Kept": "1", "X-New": "1"}
    await get(http, pair[0], resource)
    await asyncio.sleep(1.2)
    resource.more, resource.control = {"X-New": "2"}, "max-age=60"
    again = await get(http, pair[1], resource)
    assert (again.status, again.body, again.cache) == (200, b"one", "fwd=stale; fwd-status=304; stored")
    assert (again.headers["X-Kept"], again.headers["X-New"]) == ("1", "2")
    assert resource.statuses == [200, 304]
    hit = await get(http, pair[0], resource)
    assert hit.cache.startswith("hit"), "the 304 made it fresh again"
    assert (hit.body, hit.headers["Content-Type"].partition(";")[0]) == (b"one", "text/plain")


async def test_head_is_answered_from_what_get_stored(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource
) -> None:
    missed = await get(http, pair[0], resource, method="HEAD")
    assert (missed.status, missed.body, missed.headers["Content-Length"]) == (200, b"", "3")
    assert (await get(http, pair[1], resource)).body == b"one"
    known = await get(http, pair[1], resource, method="HEAD")
    assert (known.body, known.headers["Content-Length"]) == (b"", "3")
    assert len(resource.asked) == 1


async def test_stale_while_revalidate(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource, standin: StandIn
) -> None:
    resource.control = "max-age=1, stale-while-revalidate=60"
    await get(http, pair[0], resource)
    await asyncio.sleep(1.2)
    resource.body, resource.seconds = b"two", 0.3
    resource.control = "max-age=60, stale-while-revalidate=60"
    answers = await asyncio.gather(*(get(http, pair[number % 2], resource) for number in range(40)))
    # who comes when the refresh is over gets what it brought; nobody waits for it, so that all are hits
    assert {answer.body for answer in answers} <= {b"one", b"two"}
    assert all(re.match(r"hit; ttl=-?\d", answer.cache) for answer in answers), {answer.cache for answer in answers}
    assert not any("X-Stormglass-Degraded" in answer.headers for answer in answers)
    stale = [answer for answer in answers if answer.body == b"one"]
    assert stale
    assert all("detail=stale-while-revalidate" in answer.cache for answer in stale)
    assert all(re.match(r"hit; ttl=-\d", answer.cache) for answer in stale), {answer.cache for answer in stale}

    async def refreshed() -> bool:
        return (await get(http, pair[0], resource)).body == b"two"

    await eventually(refreshed)
    # one for the first fill, one by whichever gateway came first; a slow machine may lose that one and need another
    assert 2 <= len(resource.asked) <= 3

    async def traced() -> bool:
        spans = [span for span in standin.spans if span.name == "refresh /products/{product_id}"]
        return any(span.links and not span.parent_span_id for span in spans)

    await eventually(traced)


@pytest.mark.parametrize("failure", ["500", "503", "silence"])
async def test_stale_if_error(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource, failure: str
) -> None:
    resource.control = "max-age=1, stale-if-error=60"
    await get(http, pair[0], resource)
    await asyncio.sleep(1.2)
    if failure == "silence":
        resource.seconds = 30
    else:
        resource.status = int(failure)
    degraded = await get(http, pair[1], resource)
    assert (degraded.status, degraded.body) == (200, b"one")
    assert degraded.headers["X-Stormglass-Degraded"] == "stale-cache"
    assert degraded.cache.startswith("hit; ttl=-")
    assert degraded.cache.endswith("detail=stale-if-error")
    assert int(degraded.headers["Age"]) >= 1
    asked = len(resource.asked)
    answers = await asyncio.gather(*(get(http, pair[1], resource) for _ in range(20)))
    assert {answer.body for answer in answers} == {b"one"}
    assert len(resource.asked) <= asked + 3, "one a second tries a service that fails, and not everybody"
    assert 'fallback_total{dependency="products",fallback="stale_cache"}' in await pair[1].metrics()

    # who wants the service's own answer gets it
    own = await get(http, pair[1], resource, {"Cache-Control": "no-cache"})
    assert own.status == (504 if failure == "silence" else int(failure))
    resource.status, resource.seconds = 200, 0.0

    async def whole_again() -> bool:
        return "X-Stormglass-Degraded" not in (await get(http, pair[1], resource)).headers

    await eventually(whole_again)


async def test_an_error_without_anything_stored_is_the_client_s(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource
) -> None:
    resource.status = 503
    answers = await asyncio.gather(*(get(http, pair[number % 2], resource) for number in range(10)))
    assert {answer.status for answer in answers} == {503}
    resource.status = 200
    assert (await get(http, pair[0], resource)).status == 200


async def test_what_must_be_validated_is_not_served_stale(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource
) -> None:
    resource.control = "max-age=1, must-revalidate, stale-if-error=60, stale-while-revalidate=60"
    await get(http, pair[0], resource)
    await asyncio.sleep(1.2)
    resource.status = 503
    assert (await get(http, pair[0], resource)).status == 503


async def test_what_clients_may_ask_for(pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource) -> None:
    never = await get(http, pair[0], resource, {"Cache-Control": "only-if-cached"})
    assert never.status == 504
    assert b"urn:stormglass:problem:not-cached" in never.body
    assert not resource.asked
    await get(http, pair[0], resource)
    assert (await get(http, pair[1], resource, {"Cache-Control": "only-if-cached"})).status == 200
    for control in ("no-cache", "max-age=0"):
        resource.body = control.encode()
        seen = await get(http, pair[0], resource, {"Cache-Control": control})
        assert (seen.body, seen.cache) == (control.encode(), "fwd=request; fwd-status=200; stored")
        assert (await get(http, pair[1], resource)).body == control.encode(), (
            "and it is what everybody gets from now on"
        )
    resource.body = b"not for the cache"
    past = await get(http, pair[0], resource, {"Cache-Control": "no-store"})
    assert (past.body, past.cache) == (b"not for the cache", "fwd=request")
    assert (await get(http, pair[1], resource)).body == b"max-age=0"
    assert (await get(http, pair[1], resource, {"Cache-Control": "min-fresh=3600"})).body == b"not for the cache"


async def test_vary(pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource) -> None:
    resource.more = {"Vary": "Accept-Language"}
    for language, body in (("de", b"hallo"), ("en", b"hello")):
        resource.body = body
        assert (await get(http, pair[0], resource, {"Accept-Language": language})).body == body
    assert resource.asked[1]["Accept-Language"] == "en"
    for language, body in (("DE", b"hallo"), ("en ", b"hello")):
        hit = await get(http, pair[1], resource, {"Accept-Language": language, "Accept": "whatever"})
        assert (hit.body, hit.cache.partition(";")[0]) == (body, "hit")
    resource.body = b"bonjour"
    other = await get(http, pair[1], resource, {"Accept-Language": "fr"})
    assert (other.body, other.cache) == (b"bonjour", "fwd=vary-miss; fwd-status=200; stored")


@pytest.mark.parametrize("vary", ["*", "Cookie", "X-Anything"])
async def test_what_varies_with_anything_else_is_not_stored(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource, vary: str
) -> None:
    resource.more = {"Vary": vary}
    for _ in range(2):
        assert (await get(http, pair[0], resource)).cache == "fwd=miss; fwd-status=200; detail=vary"


async def test_parameters_that_the_resource_does_not_know_pass_by(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource
) -> None:
    for _ in range(2):
        assert (await get(http, pair[0], resource.path + "?made-up=1")).cache == "fwd=bypass"
    assert len(resource.asked) == 2


async def test_what_is_told_to_the_cache_is_told_to_nobody_else(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource, bearer: Issue
) -> None:
    resource.more = {"Cache-Groups": '"g"', "Cache-Group-Invalidation": '"h"'}
    for headers in ({}, {}, {"Cache-Control": "no-store"}, {"Cache-Control": "no-cache"}):
        seen = await get(http, pair[0], resource, headers)
        assert not {"Stormglass-Cache-Control", "Cache-Groups", "Cache-Group-Invalidation"} & set(seen.headers)
        assert seen.headers["Cache-Control"] == "public, no-cache"


async def test_a_large_answer_is_passed_on_and_not_stored(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource
) -> None:
    resource.body = b"x" * 300_000
    for _ in range(2):
        seen = await get(http, pair[0], resource)
        assert (seen.status, len(seen.body), seen.cache) == (200, 300_000, "fwd=miss; fwd-status=200; detail=unstored")


async def test_a_dead_fetcher_is_not_waited_for_long(
    gateway: Gateway, http: aiohttp.ClientSession, resource: Resource, redis_port: int
) -> None:
    lock = f"{PREFIX}l:{identifier('products', resource.path, '')}"
    async with Redis(port=redis_port, password=PASSWORD) as redis:
        await redis.set(lock, "somebody who is gone", px=60_000)
        begun = time.monotonic()
        answers = await asyncio.gather(*(get(http, gateway, resource) for _ in range(5)))
        assert {answer.status for answer in answers} == {200}
        assert 0.5 < time.monotonic() - begun < 10
        assert await redis.exists(lock), "it is not ours to take away"
    assert (await get(http, gateway, resource)).cache.startswith("hit")


async def test_the_log_and_the_metrics_tell_what_the_cache_did(
    pair: list[Gateway], http: aiohttp.ClientSession, resource: Resource
) -> None:
    await get(http, pair[0], resource)
    request = (await get(http, pair[0], resource)).headers["X-Request-Id"]

    async def logged() -> bool:
        return [line["cache"] for line in pair[0].lines() if line["request_id"] == request] == ["hit"]

    await eventually(logged)
    metrics = await pair[0].metrics()
    assert 'cache_requests_total{cache="gateway",result="hit"}' in metrics
    assert 'gateway_cache_stores_total{outcome="stored"}' in metrics
    assert re.search(r"gateway_cache_size_bytes [1-9]", metrics)
