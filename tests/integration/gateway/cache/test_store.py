"""The cache in a real Valkey: accounts that always add up, room that is made, and a fence that nothing slips past."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.gateway.cache.store import VARIANTS, Lookup, Store
from services.gateway.cache.stored import MAX_BYTES, Stored
from services.gateway.cache.terms import Terms
from services.gateway.roundtrip import RoundTrip
from stormglass.runtime.ports import free_port
from tests.integration.gateway.native import PASSWORD, eventually, valkey

P = "gateway-cache:"
LIMIT = 1024 * 1024


@pytest.fixture
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Redis]:
    port = free_port()
    async with (
        valkey(port, tmp_path_factory.mktemp("store")),
        Redis(port=port, password=PASSWORD, socket_timeout=10) as client,
    ):

        async def answers() -> bool:
            try:
                return bool(await client.ping())
            except RedisError as error:
                raise OSError(str(error)) from error

        await eventually(answers)
        yield client


@pytest.fixture
def roundtrip(own: Redis) -> RoundTrip:
    return RoundTrip(own, 10.0)


@pytest.fixture
def store(roundtrip: RoundTrip) -> Store:
    return Store(roundtrip, LIMIT, 0.6)


def answer(body: bytes = b"body", *, lifetime: float = 60, keep: float = 600, vary: tuple[str, ...] = ()) -> Stored:
    return Stored(200, [(b"etag", b'"x"')], body, Terms(lifetime, 0.0, 0.0, keep, vary, ()))


async def look(store: Store, roundtrip: RoundTrip, key: str, presented: dict[str, str] | None = None) -> Lookup:
    lookup = store.look_up(key, presented or {})
    assert await roundtrip.ask([lookup])
    assert lookup.reply is not None
    return lookup


async def fill(store: Store, roundtrip: RoundTrip, key: str, stored: Stored, *groups: str) -> bool:
    return await store.put(await look(store, roundtrip, key), stored, 0.0, groups)


async def found(store: Store, roundtrip: RoundTrip, key: str, presented: dict[str, str] | None = None) -> Stored | None:
    reply = (await look(store, roundtrip, key, presented)).reply
    return reply.stored if reply else None


async def check_accounts(redis: Redis) -> None:
    """Whatever happened: one hash, one account, one rank and one end for each entry, and no group of a dead one."""
    entries = {key.decode().removeprefix(f"{P}e:") async for key in redis.scan_iter(f"{P}e:*", count=1000)}
    sizes = {key.decode(): int(size) for key, size in (await redis.hgetall(f"{P}sizes")).items()}  # type: ignore[misc]  # redis-py types its two clients as one
    lru = {key.decode() for key in await redis.zrange(f"{P}lru", 0, -1)}
    ends = {key.decode() for key in await redis.zrange(f"{P}ends", 0, -1)}
    assert entries == set(sizes) == lru == ends
    assert int(await redis.get(f"{P}bytes") or 0) == sum(sizes.values())
    async for group in redis.scan_iter(f"{P}g:*", count=1000):
        members = {key.decode() for key in await redis.smembers(group)}  # type: ignore[misc]  # the same
        assert members <= entries
    for key, size in sizes.items():
        assert size >= await redis.memory_usage(f"{P}e:{key}") * 0.7, "what is charged is about what it takes"


async def test_put_and_look_up(store: Store, roundtrip: RoundTrip, own: Redis) -> None:
    assert await found(store, roundtrip, "k") is None
    assert await store.put(await look(store, roundtrip, "k"), answer(b"\x00\xff"), 7.0, ["g"])
    reply = (await look(store, roundtrip, "k")).reply
    assert reply is not None
    assert reply.stored == answer(b"\x00\xff")
    assert 7.0 <= reply.age < 12
    await check_accounts(own)


async def test_variants(store: Store, roundtrip: RoundTrip, own: Redis) -> None:
    for language in ("de", "en"):
        lookup = await look(store, roundtrip, "k", {"accept-language": language, "accept": "any"})
        assert await store.put(lookup, answer(language.encode(), vary=("accept-language",)), 0.0, [])
    for language, body in (("de", b"de"), ("en", b"en")):
        stored = await found(store, roundtrip, "k", {"accept-language": language})
        assert stored is not None
        assert stored.body == body
    assert await found(store, roundtrip, "k", {}) is None, "absent is another value"
    reply = (await look(store, roundtrip, "k", {"accept-language": "fr"})).reply
    assert reply is not None
    assert (reply.stored, reply.variants) == (None, True)
    # what the service says now about the fields that select is true of all
    assert await fill(store, roundtrip, "k", answer(b"all"))
    stored = await found(store, roundtrip, "k", {"accept-language": "de"})
    assert stored is not None
    assert stored.body == b"all"
    await check_accounts(own)


async def test_variants_are_bounded(store: Store, roundtrip: RoundTrip, own: Redis) -> None:
    for number in range(VARIANTS * 3):
        lookup = await look(store, roundtrip, "k", {"accept": str(number)})
        assert await store.put(lookup, answer(vary=("accept",)), 0.0, ["g"])
        assert await own.hlen(f"{P}e:k") <= 2 * VARIANTS + 2  # type: ignore[misc]  # redis-py types its two clients as one
    await check_accounts(own)


async def test_a_flood_stays_within_the_bound(store: Store, roundtrip: RoundTrip, own: Redis) -> None:
    before = (await own.info("memory"))["used_memory"]
    kept = "often-used"
    await fill(store, roundtrip, kept, answer(b"k" * 10_000), "g")
    for number in range(1500):
        await fill(store, roundtrip, f"flood-{number}", answer(bytes([number % 256]) * 5_000), "g", f"own-{number}")
        if number % 20 == 0:
            assert await found(store, roundtrip, kept) is not None, "what is used stays"
        assert int(await own.get(f"{P}bytes")) <= LIMIT
    await check_accounts(own)
    assert 100 < await own.zcard(f"{P}lru") < 210, "the room is used, and the oldest went"
    assert await found(store, roundtrip, "flood-1499") is not None
    assert await found(store, roundtrip, "flood-0") is None
    took = (await own.info("memory"))["used_memory"] - before
    assert took < 2 * LIMIT, f"{took} bytes of Redis' memory for an account of {LIMIT}"


async def test_many_tiny_entries_are_charged_what_they_take(store: Store, roundtrip: RoundTrip, own: Redis) -> None:
    before = (await own.info("memory"))["used_memory"]
    groups = [f"group-{number}" for number in range(30)]
    for number in range(600):
        await fill(store, roundtrip, f"tiny-{number}", answer(b""), *groups)
    await check_accounts(own)
    took = (await own.info("memory"))["used_memory"] - before
    assert took < 2 * LIMIT, f"{took} bytes of Redis' memory for an account of {LIMIT}"


async def test_what_is_too_large_is_not_stored(store: Store, roundtrip: RoundTrip) -> None:
    assert not await fill(store, roundtrip, "k", answer(b"x" * MAX_BYTES))
    assert await found(store, roundtrip, "k") is None
    assert await fill(store, roundtrip, "k", answer(b"x" * (MAX_BYTES - 200)))


async def test_what_is_over_is_swept(store: Store, roundtrip: RoundTrip, own: Redis) -> None:
    for number in range(120):
        await fill(store, roundtrip, f"short-{number}", answer(keep=0.05), "g")
    await asyncio.sleep(0.2)
    for number in range(4):
        await fill(store, roundtrip, f"long-{number}", answer(), "g")
    assert await own.zcard(f"{P}lru") == 4
    await check_accounts(own)


async def test_one_fetcher_at_a_time(store: Store, roundtrip: RoundTrip) -> None:
    lookup = await look(store, roundtrip, "k")
    claims = await asyncio.gather(*(store.claim(lookup) for _ in range(20)))
    fetchers = [claim for claim in claims if claim.reply and claim.reply.claimed]
    assert len(fetchers) == 1
    assert await store.claimed("k")
    assert await store.put(fetchers[0], answer(), 0.0, [])
    assert not await store.claimed("k")
    again = await store.claim(lookup)
    assert again.reply is not None
    assert (again.reply.claimed, again.reply.stored) == (False, answer()), "it is fresh: there is nothing to fetch"


async def test_a_fetcher_that_fails_gives_up_its_own_claim_only(store: Store, roundtrip: RoundTrip) -> None:
    lookup = await look(store, roundtrip, "k")
    first = await store.claim(lookup)
    second = await store.claim(lookup)
    store.release(second)
    await roundtrip.ask([])
    assert await store.claimed("k")
    store.release(first)
    assert not await store.claimed("k")


async def test_the_fence(store: Store, roundtrip: RoundTrip, own: Redis) -> None:
    await fill(store, roundtrip, "k", answer(b"old"), "g")
    began_before = await look(store, roundtrip, "k")
    other = await look(store, roundtrip, "other")
    assert await store.invalidate(["g", "h"])
    assert await found(store, roundtrip, "k") is None
    assert not await store.put(began_before, answer(b"old"), 0.0, ["g"])
    assert not await store.put(began_before, answer(b"old"), 0.0, ["x", "h"])
    assert await found(store, roundtrip, "k") is None
    assert await store.put(other, answer(b"not of these groups"), 0.0, ["x"])
    assert await fill(store, roundtrip, "k", answer(b"new"), "g")
    await check_accounts(own)


async def test_a_redis_that_forgot_everything_forgot_the_fence_too(
    store: Store, roundtrip: RoundTrip, own: Redis
) -> None:
    for _ in range(5):
        await store.invalidate(["other"])
    began_before = await look(store, roundtrip, "k")
    await own.flushall()
    await store.invalidate(["g"])
    await own.flushall()
    assert not await store.put(began_before, answer(b"old"), 0.0, ["g"])
    assert await fill(store, roundtrip, "k", answer(b"new"), "g")


async def test_the_later_fetch_wins(store: Store, roundtrip: RoundTrip) -> None:
    early = await look(store, roundtrip, "k")
    await asyncio.sleep(0.01)
    late = await look(store, roundtrip, "k")
    assert await store.put(late, answer(b"late"), 0.0, [])
    assert not await store.put(early, answer(b"early"), 0.0, [])
    stored = await found(store, roundtrip, "k")
    assert stored is not None
    assert stored.body == b"late"


@pytest.mark.parametrize("garbage", ["string", "field"])
async def test_garbage_is_a_miss_and_is_replaced(store: Store, roundtrip: RoundTrip, own: Redis, garbage: str) -> None:
    await fill(store, roundtrip, "k", answer(), "g")
    if garbage == "string":
        await own.set(f"{P}e:k", "garbage")
    else:
        field = next(name for name in await own.hkeys(f"{P}e:k") if name.startswith(b"v:"))  # type: ignore[misc]  # redis-py types its two clients as one
        await own.hset(f"{P}e:k", field, "garbage")  # type: ignore[misc]  # the same
    assert await found(store, roundtrip, "k") is None
    assert await fill(store, roundtrip, "k", answer(), "g")
    assert await found(store, roundtrip, "k") == answer()


@pytest.mark.parametrize("seed", range(3))
async def test_the_accounts_add_up_whatever_happens(store: Store, roundtrip: RoundTrip, own: Redis, seed: int) -> None:
    chance = random.Random(seed)
    truth = dict.fromkeys("abcdef", 0)
    """A counter for each group, which an answer of the group shows."""
    open_fetches: list[tuple[Lookup, str, str, int]] = []
    for _ in range(600):
        key, group = f"k{chance.randrange(40)}", chance.choice("abcdef")
        key += group
        match chance.randrange(6):
            case 0:
                open_fetches.append((await look(store, roundtrip, key), key, group, truth[group]))
            case 1 if open_fetches:
                lookup, _, of, value = open_fetches.pop(chance.randrange(len(open_fetches)))
                vary = chance.choice([(), ("accept",)])
                body = f"{value}".encode().ljust(chance.choice([10, 3_000, 60_000]))
                await store.put(
                    lookup, answer(body, vary=vary, keep=chance.choice([0.05, 60])), 0.0, [of, str(uuid.uuid4())]
                )
            case 2:
                truth[group] += 1
                await store.invalidate([group])
            case _:
                stored = await found(store, roundtrip, key, {"accept": chance.choice(["x", "y"])})
                if stored is not None:
                    assert int(stored.body) == truth[group], "never what was true before an invalidation"
    await check_accounts(own)
    assert int(await own.get(f"{P}bytes") or 0) <= LIMIT
