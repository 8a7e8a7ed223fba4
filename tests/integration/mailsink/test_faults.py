import time
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import pytest

from stormglass.testing import eventually

Compose = Callable[..., EmailMessage]
Sink = Any  # the class lives in conftest.py, which importlib mode does not let tests import
NORMAL = {"mode": "normal", "remaining_seconds": 0.0, "delay_seconds": None}


async def test_refuse_answers_421_to_new_and_open_sessions_and_ends_by_itself(sink: Sink, compose: Compose) -> None:
    async with sink.client() as opened_before:
        sink.misbehave(mode="refuse", ttl_seconds=8)
        with pytest.raises(aiosmtplib.SMTPConnectError) as at_connect:
            await sink.send(compose(1))
        assert "421" in str(at_connect.value)
        with pytest.raises(aiosmtplib.SMTPException) as at_mail:
            await opened_before.send_message(compose(2))
        assert "421" in str(at_mail.value)
    assert sink.get("/chaos/behaviour")["mode"] == "refuse"
    eventually(lambda: sink.get("/chaos/behaviour") == NORMAL, seconds=30, what="normal service")
    await sink.send(compose(3))
    assert [mail["Subject"] for mail in sink.get("/api/v1/messages")["messages"]] == ["Order 3 confirmed"]


async def test_tarpit_delays_each_reply_until_it_is_lifted(sink: Sink, compose: Compose) -> None:
    sink.misbehave(mode="tarpit", delay_seconds=0.5, ttl_seconds=120)
    state = sink.get("/chaos/behaviour")
    assert (state["mode"], state["delay_seconds"]) == ("tarpit", 0.5)
    assert 0 < state["remaining_seconds"] <= 120
    began = time.monotonic()
    await sink.send(compose(1))
    # greeting, EHLO, MAIL, RCPT, DATA, end of data, QUIT: seven replies, however many lines they have
    assert time.monotonic() - began >= 7 * 0.5
    # far longer than either of the two may take that ask now
    sink.misbehave(mode="tarpit", delay_seconds=30, ttl_seconds=120)
    with pytest.raises(aiosmtplib.SMTPTimeoutError):
        await sink.client(timeout=0.2).connect()
    with sink.http as client:
        assert client.delete("/chaos/behaviour").json() == NORMAL
    await sink.client(timeout=10).connect()
    assert sink.get("/api/v1/messages")["total"] == 1


async def test_drop_after_data_stores_the_mail_and_leaves_the_sender_unsure(sink: Sink, compose: Compose) -> None:
    sink.misbehave(mode="drop_after_data", ttl_seconds=60)
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await sink.send(compose(1))
    found = sink.get("/api/v1/search", query="message-id:event-1@stormglass.test")
    assert found["messages_count"] == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"mode": "explode", "ttl_seconds": 1},
        {"mode": "refuse"},
        {"mode": "refuse", "ttl_seconds": 0},
        {"mode": "refuse", "ttl_seconds": 100_000},
        {"mode": "tarpit", "ttl_seconds": 1},
        {"mode": "refuse", "ttl_seconds": 1, "delay": 1},
    ],
)
def test_a_fault_without_an_end_or_a_meaning_is_refused(sink: Sink, fault: dict[str, str | float]) -> None:
    with sink.http as client:
        assert client.put("/chaos/behaviour", json=fault).status_code == 400
    assert sink.get("/chaos/behaviour") == NORMAL
