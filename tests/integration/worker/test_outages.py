"""Outages around a worker that lives: nothing acknowledged is lost."""

import asyncio
import signal
from pathlib import Path

from tests.integration.worker.gates import http_gate
from tests.integration.worker.shop import Shop, until, worker


async def test_order_while_redis_hangs(shop: Shop, tmp_path: Path) -> None:
    async with worker(shop, tmp_path / "worker.log") as running:
        customer, product = await shop.customer(), await shop.product()
        await shop.signal("redis", "STOP")
        try:
            placed = await shop.place(customer, product)
            assert placed.status == 201, placed.raw
            await until(lambda: running.metric("outbox_relay_errors_total"), what="the relay notices")
            assert (await shop.order(customer, placed.body["id"]))["status"] == "pending"
        finally:
            await shop.signal("redis", "CONT")
        await shop.settled(customer, placed.body["id"], "confirmed")
        await shop.one_mail(placed.body["id"])
        assert running.process.poll() is None


async def test_redis_is_killed_under_the_worker(shop: Shop, tmp_path: Path) -> None:
    async with worker(shop, tmp_path / "worker.log") as running:
        for _ in range(2):
            await shop.signal("redis", "KILL")
            customer, _, order_id = await shop.placed()
            await shop.settled(customer, order_id, "confirmed")
            await shop.one_mail(order_id)
        assert running.process.poll() is None


async def test_queue_forgets_everything(shop: Shop, tmp_path: Path) -> None:
    held = asyncio.Event()
    async with http_gate(shop.internal) as gate:
        async with worker(shop, tmp_path / "first.log", STORMGLASS_ADDRESS_INTERNAL=gate.address) as first:

            async def hold() -> None:
                held.set()
                await asyncio.sleep(60)

            gate.before["POST /reservations/*/confirm"] = hold
            customer, _, order_id = await shop.placed()
            await asyncio.wait_for(held.wait(), 60)
            # the job may start before the relay has committed that it handed it over
            enqueued = "SELECT enqueued_at IS NOT NULL FROM outbox WHERE aggregate_id = $1"
            await until(lambda: shop.sql("orders", enqueued, order_id), what="the hand-over is recorded")
            first.kill()
            await first.ended()
        await shop.flush()
        async with worker(shop, tmp_path / "second.log") as second:
            await shop.settled(customer, order_id, "confirmed")
            await shop.one_mail(order_id)
            assert await second.metric("outbox_delivered_total") == 1


async def test_mail_server_drops_after_it_stored_the_mail(shop: Shop, tmp_path: Path) -> None:
    behaviour = f"http://{shop.platform.address('mail-api')}/chaos/behaviour"
    async with worker(shop, tmp_path / "worker.log") as running:
        async with shop.http.put(behaviour, json={"mode": "drop_after_data", "ttl_seconds": 300}) as answer:
            assert answer.status == 200
        try:
            customer, _, order_id = await shop.placed()
            await shop.settled(customer, order_id, "confirmed")
            await shop.one_mail(order_id)
            assert await running.metric("mail_total") >= 2, "one failed, one found"
        finally:
            await shop.http.delete(behaviour)


async def test_sigterm_lets_a_running_job_finish(shop: Shop, tmp_path: Path) -> None:
    held, release = asyncio.Event(), asyncio.Event()
    async with (
        http_gate(shop.internal) as gate,
        worker(
            shop,
            tmp_path / "worker.log",
            STORMGLASS_ADDRESS_INTERNAL=gate.address,
            STORMGLASS_WORKER_JOB_SECONDS="30",
        ) as running,
    ):

        async def hold() -> None:
            held.set()
            await release.wait()

        gate.before["POST /orders/*/confirm"] = hold
        customer, _, order_id = await shop.placed()
        await asyncio.wait_for(held.wait(), 60)
        running.process.send_signal(signal.SIGTERM)
        await until(lambda: _draining(shop, running.admin), what="draining")
        release.set()
        assert await running.ended(20) == 0
        assert (await shop.order(customer, order_id))["status"] == "confirmed"
        await shop.one_mail(order_id)


async def _draining(shop: Shop, admin: str) -> bool:
    async with shop.http.get(f"{admin}/readyz") as answer:
        return answer.status == 503 and "draining" in await answer.text()


async def test_idle_worker_makes_no_spans_and_picks_up_at_once(shop: Shop, tmp_path: Path) -> None:
    async with worker(shop, tmp_path / "worker.log") as running:
        await asyncio.sleep(3)
        assert await running.metric("telemetry_spans_exported_total") == 0
        for _ in range(5):
            customer, _, order_id = await shop.placed()
            await shop.settled(customer, order_id, "confirmed")
        assert await running.metric("telemetry_spans_dropped_total") == 0
        waited = await running.metric("queue_wait_seconds_sum") / await running.metric("queue_wait_seconds_count")
        assert waited < 0.5
