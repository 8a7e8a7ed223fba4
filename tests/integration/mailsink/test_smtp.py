import asyncio
import signal
import sqlite3
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import pytest

Compose = Callable[..., EmailMessage]
Sink = Any  # the class lives in conftest.py, which importlib mode does not let tests import
Start = Callable[..., Sink]


@pytest.mark.parametrize("attempt", range(3))
async def test_a_kill_right_after_the_250_loses_nothing(start_sink: Start, compose: Compose, attempt: int) -> None:
    sink = start_sink()
    client = sink.client()
    await client.connect()
    acknowledged = 0

    async def send_until_cut() -> None:
        nonlocal acknowledged
        while True:
            await client.send_message(compose(acknowledged + 1))
            acknowledged += 1
            if acknowledged == 10 + attempt:
                sink.stop(signal.SIGKILL)

    with pytest.raises((aiosmtplib.SMTPException, OSError)):
        await send_until_cut()
    assert acknowledged == 10 + attempt
    client.close()
    sink.start()
    kept = {mail["MessageID"] for mail in sink.get("/api/v1/messages", limit=1000)["messages"]}
    assert kept == {f"event-{number}@stormglass.test" for number in range(1, acknowledged + 1)}


async def test_senders_in_parallel(sink: Sink, compose: Compose) -> None:
    await asyncio.gather(*(sink.send(compose(number)) for number in range(40)))
    assert sink.get("/api/v1/messages")["total"] == 40


async def test_international_addresses_and_text(sink: Sink, compose: Compose) -> None:
    mail = compose(1, To="Jürgen <jürgen@bücher.example>", Subject="Bestätigt ✓", text="Grüße")
    await sink.send(mail)
    received = sink.get("/api/v1/message/latest")
    assert received["To"] == [{"Name": "Jürgen", "Address": "jürgen@bücher.example"}]
    assert (received["Subject"], received["Text"]) == ("Bestätigt ✓", "Grüße\n")
    assert received["Bcc"] == []
    assert sink.get("/api/v1/search", query="to:jürgen")["messages_count"] == 1


async def test_clean_errors(sink: Sink, compose: Compose) -> None:
    before = sink.get("/api/v1/info")["RuntimeStats"]["SMTPRejected"]
    async with sink.client() as client:
        await client.ehlo()
        assert client.supports_extension("smtputf8")
        assert client.esmtp_extensions["size"] == "65536"
        with pytest.raises(aiosmtplib.SMTPResponseException) as too_large:
            await client.sendmail("a@example.test", ["b@example.test"], b"Subject: x\r\n\r\n" + b"y" * 70_000)
        assert too_large.value.code == 552
        code, _ = await client.execute_command(b"RCPT TO:<early@example.test>")
        assert code == 503
        code, _ = await client.execute_command(b"NONSENSE")
        assert code == 500
        await client.rset()
        await client.send_message(compose(1))
    listing = sink.get("/api/v1/messages")
    assert listing["total"] == 1
    assert sink.get("/api/v1/info")["RuntimeStats"]["SMTPRejected"] == before + 3


async def test_a_database_that_fails_is_a_temporary_error(sink: Sink, compose: Compose) -> None:
    with sqlite3.connect(sink.folder / "mail.db") as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await sink.send(compose(1))
        other.rollback()
    other.close()
    assert refused.value.code == 451
    await sink.send(compose(1))
    assert sink.get("/api/v1/messages")["total"] == 1


async def test_neither_addresses_nor_bodies_are_logged(start_sink: Start, compose: Compose) -> None:
    sink = start_sink()
    await sink.send(compose(1, text="a most private line"))
    async with sink.client() as client:
        await client.execute_command(b"PRIVATEWORD from a client that lost its place")
    sink.get("/api/v1/search", query="to:ada@example.test")
    assert sink.stop() == 0
    log = sink.log
    assert "serving SMTP" in log
    for secret in ("ada@", "shop@", "private line", "PRIVATEWORD", "event-1@", "confirmed"):
        assert secret not in log


async def test_sigterm_ends_the_process_with_sessions_open(start_sink: Start) -> None:
    sink = start_sink()
    client = sink.client()
    await client.connect()
    assert sink.stop() == 0
    client.close()
