"""What a replica answers while its database fails, and how it ends."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stormglass.data.database import Database
from stormglass.testing import Platform
from tests.integration.products.client import ADMINISTRATOR, ORDERS, Client
from tests.integration.products.replica import Replica, health, own_replica
from tests.integration.products.shop import make_due, stock_up
from tests.integration.products.waiting import until
from tests.telemetry.scrape import read, value

FRESH = 0.3


@pytest.fixture
async def replica(platform: Platform, tmp_path: Path) -> AsyncIterator[Replica]:
    options = {
        "STORMGLASS_PRODUCTS_CACHE_SECONDS": str(FRESH),
        "STORMGLASS_PRODUCTS_SWEEP_SECONDS": "0.2",
        # what a test does within it must fit on a slow machine too
        "STORMGLASS_DRAIN_SECONDS": "3",
    }
    async with own_replica(platform, tmp_path / "products.log", **options) as running:
        yield running


@pytest.mark.parametrize("failure", ["refuse", "hang"])
async def test_a_known_product_is_answered_from_the_stale_cache(
    failure: str, replica: Replica, products: Client, database: Database
) -> None:
    known, unknown = await stock_up(database, 5, 5)
    before = await products.call("GET", f"/products/{known}", address=replica.address)
    assert before.status == 200
    assert "X-Stormglass-Degraded" not in before.headers

    if failure == "refuse":
        replica.relay.cut()
    else:
        replica.relay.mode = "hang"
    await asyncio.sleep(1.1)
    begun = time.monotonic()
    stale = await products.call("GET", f"/products/{known}", address=replica.address)
    assert time.monotonic() - begun < 5
    assert stale.status == 200
    assert stale.raw == before.raw
    assert stale.headers["X-Stormglass-Degraded"] == "stale-cache"
    assert int(stale.headers["Age"]) >= 1
    assert "stale" in stale.headers["Cache-Status"]
    assert stale.headers["Cache-Control"] == "no-cache"

    never_seen = await products.call("GET", f"/products/{unknown}", address=replica.address)
    assert never_seen.status == 503
    assert never_seen.problem == "dependency-unavailable"
    assert never_seen.headers["Retry-After"] == "1"
    order = {"order_id": str(uuid.uuid4()), "items": [{"product_id": str(known), "quantity": 1}]}
    reserved = await products.call("POST", "/reservations", order, who=ORDERS, address=replica.address)
    assert (reserved.status, reserved.problem) == (503, "dependency-unavailable")

    async def degraded() -> bool:
        status, text = await health(replica)
        assert status == 200, "it still has answers, so it stays in the balancer"
        return '"degraded": {"postgres": "' in text

    # dependencies are asked in the background, about twice a second
    await until(degraded, seconds=10)

    replica.relay.mode = "open"

    async def back() -> bool:
        answer = await products.call("GET", f"/products/{known}", address=replica.address)
        return "X-Stormglass-Degraded" not in answer.headers and '"status": "ready"' in (await health(replica))[1]

    await until(back)
    again = await products.call("GET", f"/products/{unknown}", address=replica.address)
    assert again.status == 200


async def test_the_sweeper_outlives_the_database(replica: Replica, products: Client, database: Database) -> None:
    (lens,) = await stock_up(database, 1000)
    replica.relay.cut()

    async def three_rounds_failed() -> bool:
        page = await asyncio.to_thread(read, replica.admin)
        return value(page, "reservations_sweeper_errors_total", cause="unavailable") >= 3

    await until(three_rounds_failed)
    assert replica.log.read_text().count('"error": "DependencyUnavailable"') == 1, "once, not every round"
    replica.relay.mode = "open"
    swept_before = replica.log.read_text().count("reservations expired")

    async def sweeps_again() -> bool:
        # the platform's own replicas sweep too, but ten times less often: sooner or later ours comes first
        order = {"order_id": str(uuid.uuid4()), "items": [{"product_id": str(lens), "quantity": 1}]}
        await products.call("POST", "/reservations", order, who=ORDERS)
        await make_due(database, uuid.UUID(str(order["order_id"])))
        return replica.log.read_text().count("reservations expired") > swept_before

    await until(sweeps_again)
    assert "periodic job succeeds again" in replica.log.read_text()


async def test_sigterm_fails_readiness_answers_what_runs_and_ends_clean(
    replica: Replica, products: Client, database: Database
) -> None:
    (lens,) = await stock_up(database, 5)
    replica.terminate()

    async def draining() -> bool:
        status, text = await health(replica)
        return status == 503 and "draining" in text

    await until(draining)
    late = await products.call("GET", f"/products/{lens}", address=replica.address)
    assert late.status == 200
    assert late.headers["Connection"].lower() == "close"
    assert await asyncio.wait_for(replica.process.wait(), 30) == 0
    assert '"event": "stopped"' in replica.log.read_text()


async def test_a_change_is_seen_at_once_on_every_replica(
    replica: Replica, products: Client, database: Database, platform: Platform
) -> None:
    (lens,) = await stock_up(database, 5)
    addresses = [replica.address, platform.address("products", 1), platform.address("products", 2)]
    first = (await products.call("GET", f"/products/{lens}")).body
    changed = {"sku": first["sku"], "name": first["name"], "description": "polished", "price_cents": 1, "stock": 900}
    done = await products.call("PUT", "/products", {"items": [changed]}, who=ADMINISTRATOR, address=addresses[0])
    assert done.body == {"created": 0, "updated": 1}
    for address in addresses:
        seen = (await products.call("GET", f"/products/{lens}", address=address)).body
        assert (seen["description"], seen["price_cents"]) == ("polished", 1)
