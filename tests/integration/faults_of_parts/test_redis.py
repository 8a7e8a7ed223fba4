"""Redis may refuse, forget or dawdle: orders are acknowledged all the same, and nothing of them is lost."""

import uuid

import pytest

from chaos.engine.context import Context
from services.shopper import Shopper
from stormglass.testing import Platform, eventually
from tests.integration.faults_of_parts.conftest import Put, accepted
from tests.integration.faults_of_parts.shop import fulfilled_once


async def _configuration(context: Context) -> dict[str, str]:
    async with context.redis() as redis:
        return {
            "replicaof": (await redis.config_get("replicaof")).get("replicaof", ""),
            "maxmemory": (await redis.config_get("maxmemory"))["maxmemory"],
            "role": (await redis.info("replication"))["role"],
        }


@pytest.mark.parametrize("kind", ["read-only", "out-of-memory"])
async def test_orders_are_acknowledged_while_redis_refuses_writes(
    platform: Platform, put: Put, context: Context, shopper: Shopper, product: str, kind: str
) -> None:
    before = await _configuration(context)
    with put("redis", kind) as fault:
        assert "SET was refused" in fault.observation
        assert await _configuration(context) != before
        placed = [accepted(shopper, product, uuid.uuid4().hex) for _ in range(3)]
        assert {shopper.order(order_id)["status"] for order_id in placed} == {"pending"}, "the queue takes no job"
    assert await _configuration(context) == before
    for order_id in placed:
        fulfilled_once(platform, shopper, order_id)


async def test_a_redis_that_is_restarted_meanwhile_still_refuses_and_is_itself_afterwards(
    platform: Platform, put: Put, context: Context
) -> None:
    before = await _configuration(context)
    with put("redis", "read-only"):
        platform.run("restart", "redis")
        await _role(context, "slave")
    assert await _configuration(context) == before


async def _role(context: Context, role: str) -> None:
    import asyncio

    async with asyncio.timeout(30):
        while (await _configuration(context))["role"] != role:  # noqa: ASYNC110 - Redis offers no event for it
            await asyncio.sleep(0.1)


def test_what_redis_forgets_is_enqueued_again(platform: Platform, put: Put, shopper: Shopper, product: str) -> None:
    placed = [accepted(shopper, product, uuid.uuid4().hex) for _ in range(5)]
    with put("redis", "flush") as fault:
        assert "keys are gone" in fault.observation
        for order_id in placed:
            fulfilled_once(platform, shopper, order_id)


def test_a_slow_redis_costs_time_and_no_order(platform: Platform, put: Put, shopper: Shopper, product: str) -> None:
    with put("redis", "slow", delay="450ms", every="500ms"):
        placed = [accepted(shopper, product, uuid.uuid4().hex) for _ in range(3)]
    for order_id in placed:
        fulfilled_once(platform, shopper, order_id)
    eventually(lambda: shopper.products(limit=1), what="it is over")
