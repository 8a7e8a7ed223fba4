"""What is told of a mail that was refused: why, and never to whom it was going."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from email.message import EmailMessage

import aiohttp
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from worker.mailserver import MailRefused, MailServer

pytestmark = [pytest.mark.owasp("API8"), pytest.mark.owasp("API10")]

RECIPIENT = "ada.refused@example.org"


class Refusing:
    """Refuses at one step, and repeats the recipient in its text, as real servers do."""

    def __init__(self, step: str) -> None:
        self.step = step

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.step == "recipient":
            return f"550 5.1.1 <{address}>: no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the same
        return f"554 5.7.1 mail to {envelope.rcpt_tos[0]} looks like spam"


@pytest.fixture(params=["recipient", "message"])
async def refusing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Refusing(request.param)), "127.0.0.1", 0)
    async with server:
        monkeypatch.setenv("STORMGLASS_ADDRESS_MAIL", f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        yield request.param


async def test_the_recipient_is_not_named(refusing: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Message-ID"] = "shop@example.org", RECIPIENT, "<1@example.org>"
    async with aiohttp.ClientSession() as http:
        with pytest.raises(MailRefused) as caught:
            await MailServer(http, timeout_seconds=10).send(message)
    assert ("550 5.1.1" if refusing == "recipient" else "554 5.7.1") in str(caught.value)
    assert RECIPIENT not in "".join(traceback.format_exception(caught.value))
