"""Poison: a job, a cache entry, a key, a deploy. Each hurts what it touches and nothing beside it."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from chaos.engine.context import Context
from chaos.faults import poison_cache
from services.shopper import ShopError, Shopper
from stormglass.runtime import keys
from stormglass.runtime.overrides import clear_override, set_override
from stormglass.security import keyring
from stormglass.testing import Platform, eventually
from tests.goods import log_in
from tests.integration.faults_of_parts.conftest import Put, accepted
from tests.integration.faults_of_parts.shop import FRESH, fulfilled_once


@pytest.fixture
def impatient_workers(platform: Platform) -> Iterator[None]:
    """Workers that give a job up after three attempts instead of after minutes."""
    workers = ("worker-1", "worker-2")
    for worker in workers:
        set_override(platform.instance, worker, {"STORMGLASS_WORKER_MAX_ATTEMPTS": "3"})
    platform.run("restart", "worker")
    yield
    for worker in workers:
        clear_override(platform.instance, worker)
    platform.run("restart", "worker")


def _dead(platform: Platform) -> list[dict[str, Any]]:
    return list(platform.json("queue", "dead"))


@pytest.mark.usefixtures("impatient_workers")
async def test_a_poisoned_job_becomes_one_dead_letter_and_holds_up_nobody(
    platform: Platform, put: Put, context: Context, shopper: Shopper, product: str
) -> None:
    before = _dead(platform)
    with put("worker", "poison-job") as fault:
        order_id = accepted(shopper, product, uuid.uuid4().hex)
        fulfilled_once(platform, shopper, order_id)
        (letter,) = eventually(lambda: _dead(platform)[len(before) :], seconds=60, what="the dead letter")
        assert letter["event_id"] == fault.record["event_id"]
        assert letter["attempts"] == 3
        assert "KeyError" in letter["error"]
    assert _dead(platform) == before
    async with context.postgres("orders") as connection:
        left = "SELECT count(*) FROM outbox WHERE event_id = $1::text::uuid"
        assert await connection.fetchval(left, fault.record["event_id"]) == 0


async def test_a_poisoned_job_that_is_still_tried_is_taken_out_of_the_queue(
    platform: Platform, put: Put, context: Context
) -> None:
    with put("worker", "poison-job") as fault:
        pass
    async with context.redis() as redis:
        assert await redis.keys(f"arq:*{fault.record['event_id']}*") == []
        assert await redis.zscore("arq:queue", fault.record["event_id"]) is None
    assert fault.record["event_id"] not in {letter["event_id"] for letter in _dead(platform)}


async def test_garbage_in_the_cache_is_noticed_and_replaced(
    platform: Platform, put: Put, context: Context, shopper: Shopper, product: str
) -> None:
    before = shopper.request("GET", f"/products/{product}", headers=FRESH)
    key = f"cache:products:{product}"
    with put("cache/products", "garbage", entries=1000) as fault:
        assert key in fault.record["keys"]
        assert shopper.request("GET", f"/products/{product}", headers=FRESH) == before
    async with context.redis() as redis:
        for each in fault.record["keys"]:
            assert not await redis.eval(poison_cache.IS_OURS, 1, each, "\x00garbage")


def test_a_replaced_signing_key_voids_old_tokens_until_it_is_back(
    platform: Platform, put: Put, shopper: Shopper
) -> None:
    me = shopper.request("GET", "/users/me")
    secrets = keys.directory(platform.instance)
    before = {path.name: path.read_text() for path in keyring.files(secrets)}
    with put("users", "signing-key"):
        (new,) = keyring.files(secrets)
        assert new.read_text() not in before.values()
        with pytest.raises(ShopError, match="401"):
            shopper.request("GET", "/users/me")
        again = Shopper(platform.base_url, shopper.email, shopper.password)
        log_in(again)
        assert again.request("GET", "/users/me") == me, "whoever logs in again is served"
    assert {path.name: path.read_text() for path in keyring.files(secrets)} == before
    assert shopper.request("GET", "/users/me") == me, "the old token is as good as before"
    assert list(secrets.glob("before-*")) == []


def _statuses(platform: Platform, shopper: Shopper, count: int) -> list[int]:
    # as a customer of this test's own: who is anonymous shares a limit of requests with everybody else
    headers = {"Authorization": shopper._http.headers["Authorization"], **FRESH}
    with httpx.Client(base_url=platform.base_url, headers=headers, timeout=15) as http:
        return [http.get("/products", params={"limit": 1}).status_code for _ in range(count)]


def test_a_bad_deploy_of_one_replica_is_ejected(platform: Platform, put: Put, shopper: Shopper) -> None:
    with put("products-1", "bad-deploy", errors=1.0) as fault:
        assert "20 of 20 requests to products-1 failed" in fault.observation
        statuses = _statuses(platform, shopper, 60)
    failed = sum(status >= 500 for status in statuses)
    # turn by turn it would be 30; three failures in a row eject a replica for 2 s, and then it is tried again
    assert failed <= 20, f"{failed} of {len(statuses)} requests failed"
    assert _statuses(platform, shopper, 10) == [200] * 10


def test_a_slow_deploy_of_one_replica_is_slow_and_ends(platform: Platform, put: Put, shopper: Shopper) -> None:
    with put("products-2", "bad-deploy", errors=0, delay="300ms") as fault:
        assert "0 of 20 requests to products-2 failed" in fault.observation
    assert _statuses(platform, shopper, 10) == [200] * 10
