"""A worker that is killed anywhere: the order is confirmed all the same, its stock sold once, its mail sent once."""

import asyncio
from pathlib import Path

import pytest

from stormglass.runtime.provision import connect
from tests.integration.worker.gates import Action, http_gate, smtp_gate
from tests.integration.worker.shop import Program, Shop, until, worker


def killing(programs: list[Program]) -> Action:
    """Kill the worker at the first time only: the next one must get through."""

    async def kill() -> None:
        while programs:
            programs.pop().kill()

    return kill


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", ["POST /reservations/*/confirm", "POST /orders/*/confirm", "GET /users/*/contact"])
async def test_killed_at_a_call(shop: Shop, tmp_path: Path, call: str, moment: str) -> None:
    async with http_gate(shop.internal) as gate:
        async with worker(shop, tmp_path / "first.log", STORMGLASS_ADDRESS_INTERNAL=gate.address) as first:
            getattr(gate, moment)[call] = killing([first])
            customer, product, order_id = await shop.placed(quantity=2)
            assert await first.ended() == -9
        async with worker(shop, tmp_path / "second.log") as second:
            await shop.settled(customer, order_id, "confirmed")
            assert "confirmed" in (await shop.one_mail(order_id))["Subject"]
            assert await _brought_to_an_end(second) == 1
    assert await shop.stock(product) == {"available": 98, "reserved": 0, "sold": 2}


async def test_killed_before_it_hears_that_the_mail_was_accepted(shop: Shop, tmp_path: Path) -> None:
    async with smtp_gate(shop.platform.address("mail")) as gate:
        async with worker(shop, tmp_path / "first.log", STORMGLASS_ADDRESS_MAIL=gate.address) as first:

            async def kill() -> None:
                first.kill()
                await first.ended()

            gate.on_accepted = kill
            customer, _, order_id = await shop.placed()
            assert await first.ended() == -9
        assert len(await shop.mails(order_id)) == 1
        async with worker(shop, tmp_path / "second.log"):
            await shop.settled(customer, order_id, "confirmed")
            await shop.one_mail(order_id)
    assert await _found(shop, order_id) is True


async def test_killed_between_accepted_and_recorded(shop: Shop, tmp_path: Path) -> None:
    """The worker has heard the 250, and its record of it is under way when it dies."""
    blocker = await connect(shop.platform.instance, database="worker")
    async with (
        smtp_gate(shop.platform.address("mail")) as gate,
        worker(shop, tmp_path / "first.log", STORMGLASS_ADDRESS_MAIL=gate.address) as first,
    ):
        transaction = blocker.transaction()

        async def block() -> None:
            await transaction.start()
            await blocker.execute("LOCK TABLE mail_ledger IN EXCLUSIVE MODE")

        gate.on_accepted = block
        customer, _, order_id = await shop.placed()
        waiting = "SELECT pid FROM pg_stat_activity WHERE datname = 'worker' AND wait_event_type = 'Lock'"
        pid = await until(lambda: shop.sql("worker", waiting), what="the record waits")
        first.kill()
        await first.ended()
        # else the server would go on with the dead client's statement once the lock is free
        await shop.sql("worker", "SELECT pg_terminate_backend($1, 10000)", pid)
        await transaction.rollback()
        await blocker.close()
        async with worker(shop, tmp_path / "second.log", replica=2) as second:
            await shop.settled(customer, order_id, "confirmed")
            await shop.one_mail(order_id)
            assert await _brought_to_an_end(second) == 1
    assert await _found(shop, order_id) is True


async def test_two_workers_never_send_one_mail(shop: Shop, tmp_path: Path) -> None:
    """The queue forgets that a job is running, and a second worker gets it while the first is at the mail server."""
    release = asyncio.Event()
    async with smtp_gate(shop.platform.address("mail")) as gate:

        async def hold() -> None:
            await release.wait()

        gate.on_accepted = hold
        async with worker(
            shop,
            tmp_path / "a.log",
            STORMGLASS_ADDRESS_MAIL=gate.address,
            STORMGLASS_WORKER_JOB_SECONDS="120",
            STORMGLASS_WORKER_MAIL_SECONDS="120",
            # its one job keeps it from taking the same one again
            STORMGLASS_WORKER_MAX_JOBS="1",
        ):
            customer, _, order_id = await shop.placed()
            await until(lambda: shop.mails(order_id), what="mail at the server")
            await shop.flush()
            async with worker(shop, tmp_path / "b.log", replica=2) as second:
                await until(lambda: second.metric("job_duration_seconds_count"), what="the second one tried")
                assert len(await shop.mails(order_id)) == 1
                release.set()
                await shop.settled(customer, order_id, "confirmed")
                await shop.one_mail(order_id)
    assert await _found(shop, order_id) is False


async def _brought_to_an_end(program: Program) -> float:
    """Mails that a worker sent, or found sent; an attempt that failed on the way is no mail."""
    return await program.metric("mail_total", outcome="sent") + await program.metric("mail_total", outcome="found")


async def _found(shop: Shop, order_id: str) -> bool:
    event = await shop.sql("orders", "SELECT event_id FROM outbox WHERE aggregate_id = $1", order_id)
    query = "SELECT found FROM mail_ledger WHERE event_id = $1 AND state = 'sent'"
    return bool(await shop.sql("worker", query, event))
