"""One mail, delivered more than once: what the promise "one mail an order" is about, made to happen on purpose."""

import asyncio
import time
from email.message import EmailMessage
from typing import Any

import aiosmtplib

from chaos.engine.attributes import Attribute
from chaos.engine.context import SECONDS, Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record
from chaos.faults import replicas

TARGET = "mail"
SENDER = "fault-duplicate@stormglass.local"


class Duplicate(FaultKind):
    """A mail of our own, sent again over SMTP under the message id it had: no customer's mail is touched.

    It happens once, as the defect it stands for would; taking it back removes the copies from the mailbox.
    """

    name = "duplicate"
    summary = "is handed one mail several times, under one message id"
    attributes = (Attribute("copies", "how often it comes again", default=1, minimum=1, maximum=100),)

    def targets(self, context: Context) -> list[str]:
        """The mail server, if it is meant to run."""
        return [TARGET] if replicas.is_meant_to_run(context, TARGET) else []

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Send it, and again."""
        message = EmailMessage()
        message["From"] = message["To"] = SENDER
        message["Subject"] = _subject(fault)
        message["Message-ID"] = f"<{fault.id}@stormglass.local>"
        message.set_content("This mail is sent more than once on purpose.")
        host, port = context.instance.endpoint("mail")
        for _ in range(1 + int(fault.attributes["copies"])):
            await aiosmtplib.send(message, hostname=host, port=port, timeout=SECONDS)
        return {}

    async def undo(self, context: Context, fault: Fault) -> None:
        """Remove the copies."""
        if not replicas.is_meant_to_run(context, TARGET):
            return
        if found := await _found(context, fault):
            async with context.http("mail-api") as http:
                body = {"IDs": [each["ID"] for each in found]}
                (await http.request("DELETE", "/api/v1/messages", json=body)).raise_for_status()

    async def bites(self, context: Context, fault: Fault) -> str:
        """The mailbox has it more than once."""
        until = time.monotonic() + SECONDS
        while len(found := await _found(context, fault)) < 1 + int(fault.attributes["copies"]):
            if time.monotonic() > until:
                raise NotBiting(f"the mailbox has it {len(found)} times")
            await asyncio.sleep(0.1)
        return f"the mailbox has it {len(found)} times, under the message id {found[0]['MessageID']}"


def _subject(fault: Fault) -> str:
    return f"fault duplicate {fault.id}"


async def _found(context: Context, fault: Fault) -> list[dict[str, Any]]:
    query = {"query": f'subject:"{_subject(fault)}"', "limit": 200}
    async with context.http("mail-api") as http:
        answer = await http.get("/api/v1/search", params=query)
        answer.raise_for_status()
    messages: list[dict[str, Any]] = answer.json()["messages"]
    return messages


KINDS: tuple[FaultKind, ...] = (Duplicate(),)
