import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
from redis.asyncio import Redis

from stormglass import settings
from stormglass.data.cache import OUTAGE_SECONDS, Cache, OriginFailed
from stormglass.data.redis import open_redis

PATIENT = 30.0


class Origin:
    """Where values come from; counts, tells that it was asked, and can fail or take its time."""

    def __init__(self) -> None:
        self.calls = 0
        self.value = b"v1"
        self.fails = False
        self.seconds = 0.0
        self._asked = asyncio.Event()

    async def __call__(self) -> bytes:
        self.calls += 1
        self._asked.set()
        value = self.value
        await asyncio.sleep(self.seconds)
        if self.fails:
            raise OriginFailed
        return value

    async def was_asked(self) -> None:
        """Return once a load has begun."""
        await asyncio.wait_for(self._asked.wait(), 20)


@pytest.fixture
def origin() -> Origin:
    return Origin()


@pytest.fixture
async def redis(valkey: Any) -> AsyncIterator[Redis]:
    async with open_redis() as client:
        yield client


@pytest.fixture
def cache(redis: Redis) -> Cache:
    return Cache(redis, "probe", ttl=60, stale=60)


@pytest.fixture
def short(redis: Redis) -> Cache:
    """Entries are stale after 50 ms; whoever reads is patient."""
    return Cache(redis, "short", ttl=0.05, stale=60, patience=PATIENT)


async def timed(work: Awaitable[Any]) -> tuple[Any, float]:
    begun = time.perf_counter()
    return await work, time.perf_counter() - begun


async def test_miss_then_hit(cache: Cache, origin: Origin, growth: Any) -> None:
    counted = {result: growth("cache_requests_total", cache="probe", result=result) for result in ("miss", "hit")}
    first, second = await cache.get("k", origin), await cache.get("k", origin)
    assert (first.value, first.result, first.age) == (b"v1", "miss", 0.0)
    assert (second.value, second.result) == (b"v1", "hit")
    assert 0 <= second.age < 5
    assert origin.calls == 1
    assert (await cache.get("other", origin)).result == "miss"
    assert {result: grown() for result, grown in counted.items()} == {"miss": 2, "hit": 1}


async def test_any_bytes_and_a_lifetime(cache: Cache, origin: Origin, redis: Redis) -> None:
    origin.value = bytes(range(256)) * 100
    await cache.get("k", origin)
    assert (await cache.get("k", origin)).value == origin.value
    origin.value = b""
    await cache.get("empty", origin)
    assert (await cache.get("empty", origin)).result == "hit"
    assert 110_000 < await redis.pttl("cache:probe:k") <= 120_000


async def test_a_stale_value_is_loaded_anew_and_served_if_the_origin_fails(
    short: Cache, origin: Origin, growth: Any
) -> None:
    fallbacks = growth("fallback_total", dependency="origin", fallback="stale_cache")
    await short.get("k", origin)
    await asyncio.sleep(0.1)
    origin.fails = True
    served = await short.get("k", origin)
    assert (served.value, served.result) == (b"v1", "stale")
    assert served.age >= 0.1
    assert fallbacks() == 1
    origin.fails, origin.value = False, b"v2"
    fresh = await short.get("k", origin)
    assert (fresh.value, fresh.result) == (b"v2", "miss")


async def test_a_stale_value_is_served_if_the_origin_is_slow_and_the_load_goes_on(short: Cache, origin: Origin) -> None:
    await short.get("k", origin)
    await asyncio.sleep(0.1)
    # long enough for the next reader to join the load, also in a slow moment
    origin.seconds, origin.value = 2.0, b"v2"
    short._patience = 0.3
    served, seconds = await timed(short.get("k", origin))
    assert (served.value, served.result) == (b"v1", "stale"), "nobody waited for the load"
    assert seconds > 0.25
    short._patience = PATIENT
    assert (await short.get("k", origin)).value == b"v2", "the load that was begun is shared"
    assert origin.calls == 2


async def test_without_a_stale_value_the_failure_is_the_callers(cache: Cache, origin: Origin) -> None:
    origin.fails = True
    with pytest.raises(OriginFailed):
        await cache.get("k", origin)
    origin.fails = False
    assert (await cache.get("k", origin)).result == "miss", "a failure is not remembered"


async def test_a_herd_asks_the_origin_once(cache: Cache, origin: Origin) -> None:
    origin.seconds = 0.2
    answers = await asyncio.gather(*(cache.get("k", origin) for _ in range(50)), cache.get("other", origin))
    assert {answer.value for answer in answers} == {b"v1"}
    assert origin.calls == 2, "one for each key"


async def test_a_herd_shares_a_failure_too(cache: Cache, origin: Origin) -> None:
    origin.seconds, origin.fails = 0.2, True
    answers = await asyncio.gather(*(cache.get("k", origin) for _ in range(10)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [OriginFailed] * 10
    assert origin.calls == 1


@pytest.mark.parametrize("who", [0, 1])
async def test_a_caller_that_gives_up_takes_nobody_with_it(cache: Cache, origin: Origin, who: int) -> None:
    origin.seconds = 1.0
    callers = [asyncio.create_task(cache.get("k", origin)) for _ in range(3)]
    await origin.was_asked()
    await asyncio.sleep(0.1)  # the others join the load
    callers[who].cancel()
    answers = await asyncio.gather(*callers, return_exceptions=True)
    assert isinstance(answers[who], asyncio.CancelledError)
    assert [answer.value for answer in answers if not isinstance(answer, BaseException)] == [b"v1"] * 2
    assert origin.calls == 1


async def test_when_everybody_gives_up_the_load_is_finished_for_the_next(cache: Cache, origin: Origin) -> None:
    origin.seconds = 0.2
    caller = asyncio.create_task(cache.get("k", origin))
    await origin.was_asked()
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    async with asyncio.timeout(20):
        while cache._loading:  # noqa: ASYNC110 - nobody is told of a load that nobody waits for
            await asyncio.sleep(0.01)
    assert (await cache.get("k", origin)).result == "hit"
    assert origin.calls == 1


@pytest.mark.parametrize("garbage", [b"", b"x", b"garbage!" * 10, b"\x00" * 100, b"\xff" * 100])
async def test_garbage_is_a_miss_and_is_replaced(cache: Cache, origin: Origin, redis: Redis, garbage: bytes) -> None:
    await redis.set("cache:probe:k", garbage)
    assert (await cache.get("k", origin)).result == "miss"
    assert (await cache.get("k", origin)).result == "hit"


async def test_an_entry_with_a_wrong_byte_is_a_miss(cache: Cache, origin: Origin, redis: Redis) -> None:
    origin.value = b'{"price": 100}'
    await cache.get("k", origin)
    await redis.setrange("cache:probe:k", 16 + 10, b"9")
    answer = await cache.get("k", origin)
    assert (answer.value, answer.result) == (b'{"price": 100}', "miss")


async def test_another_type_under_the_key_is_a_miss_and_no_outage(cache: Cache, origin: Origin, redis: Redis) -> None:
    await redis.lpush("cache:probe:k", "value")  # type: ignore[misc]  # redis-py types its two clients as one
    assert (await cache.get("k", origin)).result == "miss"
    assert (await cache.get("k", origin)).result == "hit"


async def test_forget(cache: Cache, origin: Origin) -> None:
    await cache.get("a", origin)
    await cache.get("b", origin)
    await cache.forget("a")
    await cache.forget()
    assert (await cache.get("a", origin)).result == "miss"
    assert (await cache.get("b", origin)).result == "hit"


async def test_a_load_that_began_before_forget_is_not_stored_after_it(cache: Cache, origin: Origin) -> None:
    origin.seconds = 0.3
    old = asyncio.create_task(cache.get("k", origin))
    await origin.was_asked()
    origin.value = b"v2"
    await cache.forget("k")
    origin.seconds = 0.0
    assert (await cache.get("k", origin)).value == b"v2"
    assert (await old).value == b"v1", "who asked before may see what was true before"
    assert (await cache.get("k", origin)).value == b"v2"


@pytest.fixture
def replicas(redis: Redis) -> tuple[Cache, Cache]:
    """The same cache in two processes."""
    return Cache(redis, "probe", ttl=60, stale=60), Cache(redis, "probe", ttl=60, stale=60)


@pytest.mark.parametrize("forgotten", ["by the other", "with everything"])
async def test_what_another_replica_loaded_before_forget_is_not_stored_after_it(
    replicas: tuple[Cache, Cache], origin: Origin, redis: Redis, forgotten: str
) -> None:
    here, there = replicas
    origin.seconds = 0.3
    old = asyncio.create_task(here.get("k", origin))
    await origin.was_asked()
    origin.value = b"v2"
    await there.forget("k")
    if forgotten == "with everything":
        await redis.flushall()
    assert (await old).value == b"v1"
    assert (await there.get("k", origin)).value == b"v2"
    assert (await here.get("k", origin)).value == b"v2"


async def test_who_asks_after_forget_does_not_join_a_load_from_before(
    replicas: tuple[Cache, Cache], origin: Origin
) -> None:
    here, there = replicas
    origin.seconds = 0.3
    old = asyncio.create_task(here.get("k", origin))
    await origin.was_asked()
    origin.value = b"v2"
    await there.forget("k")
    assert (await here.get("k", origin)).value == b"v2", "the other process told Redis, and so everybody"
    assert (await old).value == b"v1"
    assert (await there.get("k", origin)).result == "hit"
    assert not here._loading


async def test_replicas_that_load_at_the_same_time_may_both_store(
    replicas: tuple[Cache, Cache], origin: Origin, redis: Redis
) -> None:
    origin.seconds = 0.1
    first, second = await asyncio.gather(*(each.get("k", origin) for each in replicas))
    assert (first.result, second.result, origin.calls) == ("miss", "miss", 2)
    assert (await replicas[0].get("k", origin)).result == "hit"
    assert 0 < await redis.ttl("lease:probe:k") <= 60


async def test_every_read_after_an_edit_shows_it(replicas: tuple[Cache, Cache], growth: Any) -> None:
    truth = answered = 0
    reads = growth("cache_requests_total", cache="probe", result="hit")
    going = True

    async def load() -> bytes:
        value = truth
        await asyncio.sleep(0.001 * (value % 5))
        return str(value).encode()

    async def reader(cache: Cache) -> None:
        while going:
            known = answered
            assert int((await cache.get("k", load)).value) >= known
            await asyncio.sleep(0)

    readers = [asyncio.create_task(reader(replicas[number % 2])) for number in range(8)]
    for version in range(1, 201):
        truth = version
        await asyncio.sleep(0.001)
        await replicas[version % 2].forget("k")
        answered = version
        await asyncio.sleep(0.002 * (version % 3))
    going = False
    await asyncio.gather(*readers)
    assert reads() > 200, "most reads were answered by the cache"


async def test_a_killed_redis_costs_one_time_out_and_no_answer(
    cache: Cache, origin: Origin, valkey: Any, growth: Any
) -> None:
    await cache.get("k", origin)
    bypassed = growth("fallback_total", dependency="redis", fallback="origin")
    valkey.kill()
    answers = [await timed(cache.get("k", origin)) for _ in range(20)]
    assert {answer.result for answer, _ in answers} == {"bypass"}
    assert sum(seconds for _, seconds in answers) < settings.redis().timeout_seconds
    assert bypassed() == 20
    await timed(cache.forget("k"))
    origin.fails = True
    with pytest.raises(OriginFailed):
        await cache.get("k", origin)
    origin.fails = False

    valkey.start_again()
    end = time.monotonic() + 20
    while (await cache.get("k", origin)).result != "hit":
        assert time.monotonic() < end, "the cache is not used again"
        await asyncio.sleep(0.05)


async def test_a_redis_that_hangs_is_waited_for_once_a_second(cache: Cache, origin: Origin, valkey: Any) -> None:
    await cache.get("k", origin)
    limit = settings.redis().timeout_seconds
    os.kill(valkey.process.pid, signal.SIGSTOP)
    try:
        first, seconds = await timed(cache.get("k", origin))
        assert first.result == "bypass"
        assert limit * 0.8 < seconds < limit * 4
        rest, seconds = await timed(asyncio.gather(*(cache.get(f"k{n}", origin) for n in range(50))))
        assert {answer.result for answer in rest} == {"bypass"}
        assert seconds < limit, "nobody else waits"

        await asyncio.sleep(OUTAGE_SECONDS)
        answers = await asyncio.gather(*(timed(cache.get(f"k{n}", origin)) for n in range(50)))
        assert sum(seconds > limit * 0.8 for _, seconds in answers) == 1, "one finds out for all"
    finally:
        os.kill(valkey.process.pid, signal.SIGCONT)


async def test_a_herd_that_meets_the_outage_together_waits_once(cache: Cache, origin: Origin, valkey: Any) -> None:
    await cache.get("k", origin)
    os.kill(valkey.process.pid, signal.SIGSTOP)
    try:
        answers, seconds = await timed(asyncio.gather(*(cache.get("k", origin) for _ in range(50))))
        assert {answer.result for answer in answers} == {"bypass"}
        assert seconds < settings.redis().timeout_seconds * 8
    finally:
        os.kill(valkey.process.pid, signal.SIGCONT)


async def test_a_redis_that_only_refuses_to_write_is_still_read(cache: Cache, origin: Origin, redis: Redis) -> None:
    await cache.get("k", origin)
    await redis.config_set("maxmemory", "1")
    assert (await cache.get("new", origin)).result == "miss"
    assert (await cache.get("k", origin)).result == "hit"
