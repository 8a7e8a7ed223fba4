import json
import uuid
from pathlib import Path

import pytest

from stormglass.testing.handle import CommandFailed
from tests.integration.worker.gates import http_gate
from tests.integration.worker.shop import Shop, until, worker


async def test_given_up_kept_and_replayed(shop: Shop, tmp_path: Path) -> None:
    run = shop.platform.run
    async with http_gate(shop.internal) as gate:

        async def broken() -> int:
            return 500

        gate.before["GET /users/*/contact"] = broken
        async with worker(
            shop,
            tmp_path / "worker.log",
            STORMGLASS_ADDRESS_INTERNAL=gate.address,
            STORMGLASS_WORKER_MAX_ATTEMPTS="2",
        ) as running:
            customer, _, order_id = await shop.placed()
            await until(lambda: running.metric("dead_letters_total"), what="dead letter")
            await shop.finished(order_id)
            (letter,) = json.loads(run("queue", "dead", "--json"))
            assert letter["task"] == "order_placed"
            assert letter["attempts"] == 2
            assert "contact" in letter["error"]
            assert len(letter["trace_id"]) == 32
            assert letter["event_id"] in run("queue", "dead")
            assert json.loads(run("queue", "status", "--json"))["dead"] == 1
            assert await shop.mails(order_id) == []

            run("queue", "replay", letter["event_id"])
            await until(lambda: _deaths(shop, letter["event_id"], letter["died_at"]), what="died once more")

            gate.before.clear()
            assert json.loads(run("queue", "replay", "--all", "--json")) == {"replayed": [letter["event_id"]]}
            await shop.one_mail(order_id)
            await shop.settled(customer, order_id, "confirmed")
    assert json.loads(run("queue", "dead", "--json")) == []
    assert json.loads(run("queue", "status", "--json"))["dead"] == 0


async def _deaths(shop: Shop, event_id: str, first: str) -> bool:
    letters = json.loads(shop.platform.run("queue", "dead", "--json"))
    return [letter["event_id"] for letter in letters if letter["died_at"] != first] == [event_id]


BURIED = """
INSERT INTO dead_letter (event_id, task, payload, traceparent, error, attempts)
VALUES ($1, 'order_placed', '{}', '', 'its order is gone', 15)
"""


async def test_one_that_cannot_be_done_is_discarded_and_others_stay(shop: Shop) -> None:
    run, hopeless, other = shop.platform.run, uuid.uuid4(), uuid.uuid4()
    for event_id in (hopeless, other):
        await shop.sql("worker", BURIED, event_id)
    told = json.loads(run("queue", "discard", str(hopeless), "--json"))["discarded"]
    assert (told["event_id"], told["error"]) == (str(hopeless), "its order is gone")
    assert {letter["event_id"] for letter in json.loads(run("queue", "dead", "--json"))} == {str(other)}
    assert "its order is gone" in run("queue", "discard", str(other))
    assert json.loads(run("queue", "dead", "--json")) == []


@pytest.mark.parametrize("command", ["replay", "discard"])
async def test_unknown_letter_is_an_error_that_says_what_to_do(shop: Shop, command: str) -> None:
    with pytest.raises(CommandFailed, match="queue dead"):
        shop.platform.run("queue", command, "no-such-event")
