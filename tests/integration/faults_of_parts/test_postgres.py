"""Postgres locked, read-only or full: what is refused is refused in time, and everything goes on afterwards."""

import time
import uuid

import httpx
import pytest

from chaos.engine.context import Context
from services.shopper import Shopper
from stormglass.testing import Platform
from tests.integration.faults_of_parts.conftest import Put, accepted
from tests.integration.faults_of_parts.shop import fulfilled_once

DEADLINE_SECONDS = 10.0
"""What the edge may take for any answer, by the gateway's own deadlines, and room for a busy machine."""


def _status(platform: Platform, shopper: Shopper, product: str, key: str) -> tuple[int, float]:
    """Status and seconds of placing an order, whatever the answer is."""
    begun = time.monotonic()
    answer = httpx.post(
        f"{platform.base_url}/orders",
        json={"items": [{"product_id": product, "quantity": 1}]},
        headers={"Authorization": shopper._http.headers["Authorization"], "Idempotency-Key": key},
        timeout=30,
    )
    return answer.status_code, time.monotonic() - begun


@pytest.mark.parametrize("kind", ["lock", "read-only-transactions", "connections"])
def test_orders_fail_in_time_and_go_on_afterwards(
    platform: Platform, put: Put, shopper: Shopper, product: str, kind: str
) -> None:
    before = accepted(shopper, product, uuid.uuid4().hex)
    keys = [uuid.uuid4().hex for _ in range(3)]
    with put("postgres/orders", kind):
        answers = [_status(platform, shopper, product, key) for key in keys]
        assert {status for status, _ in answers} <= {500, 502, 503, 504}, answers
        if kind != "read-only-transactions":
            assert {status for status, _ in answers} <= {503, 504}, answers
        assert max(seconds for _, seconds in answers) < DEADLINE_SECONDS, answers
        assert shopper.products(limit=1), "what does not need the orders database works"
    placed = [accepted(shopper, product, key) for key in keys]
    assert len(set(placed)) == len(keys)
    for order_id in (before, *placed):
        fulfilled_once(platform, shopper, order_id)


async def test_a_full_server_takes_nobody_new_and_the_pools_go_on(
    platform: Platform, put: Put, context: Context, shopper: Shopper, product: str
) -> None:
    warm = accepted(shopper, product, uuid.uuid4().hex)
    with put("postgres", "connections") as fault:
        assert "was refused" in fault.observation
        assert fault.record["taken"] > 50
        async with context.postgres() as connection:  # the superuser's slots are not touched
            assert await connection.fetchval("SELECT 1") == 1
        placed = accepted(shopper, product, uuid.uuid4().hex)
    for order_id in (warm, placed):
        fulfilled_once(platform, shopper, order_id)


async def test_the_databases_settings_are_as_before(platform: Platform, put: Put, context: Context) -> None:
    async def settings() -> list[tuple[object, ...]]:
        async with context.postgres() as connection:
            rows = await connection.fetch(
                "SELECT datname, datconnlimit, setconfig FROM pg_database"
                " LEFT JOIN pg_db_role_setting ON setdatabase = pg_database.oid ORDER BY 1"
            )
            return [tuple(row) for row in rows]

    before = await settings()
    for kind in ("read-only-transactions", "connections"):
        with put("postgres/users", kind):
            assert await settings() != before
    assert await settings() == before
