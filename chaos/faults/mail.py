"""Faults of the mail server, switched on at its own seam; each has an end there too, should nobody come to undo it."""

import asyncio
import time
import uuid
from dataclasses import dataclass
from email.message import EmailMessage

import aiosmtplib

from chaos.engine.attributes import Attribute
from chaos.engine.context import SECONDS, Context
from chaos.engine.model import MAX_TTL_SECONDS, Fault, FaultKind, NotBiting, Record, Refused, Request
from chaos.faults import replicas

TARGET = "mail"
PATH = "/chaos/behaviour"
SPARE_SECONDS = 10.0
"""How much longer the mail server keeps a behaviour: ending it in time is the undo's work."""

PROBE = "fault-probe@stormglass.local"


class OfMail(FaultKind):
    """What they have in common. A mail server that is restarted behaves normally, so they are put back."""

    local = True
    mode: str

    def targets(self, context: Context) -> list[str]:
        """The mail server, if it is meant to run."""
        return [TARGET] if replicas.is_meant_to_run(context, TARGET) else []

    async def prepare(self, context: Context, request: Request) -> Record:
        """It has one behaviour at a time."""
        mode = await _mode(context)
        if mode != "normal":
            raise Refused(f"the mail server does {mode} already: `stormglass fault clear mail` makes it normal again")
        return {}

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Switch it on."""
        left = min(fault.expires_at - time.time() + SPARE_SECONDS, MAX_TTL_SECONDS)
        body: dict[str, object] = {"mode": self.mode, "ttl_seconds": max(left, SPARE_SECONDS)}
        if "delay" in fault.attributes:
            body["delay_seconds"] = fault.attributes["delay"]
        async with context.http("mail-api") as http:
            (await http.put(PATH, json=body)).raise_for_status()
        return {}

    async def undo(self, context: Context, fault: Fault) -> None:
        """Switch it off, unless it does something else by now."""
        if replicas.is_meant_to_run(context, TARGET) and await _mode(context) == self.mode:
            async with context.http("mail-api") as http:
                (await http.delete(PATH)).raise_for_status()

    async def restore(self, context: Context, fault: Fault) -> bool:
        """It was restarted: switch it on again."""
        if await _mode(context) != "normal":
            return False
        await self.apply(context, fault)
        return True


async def _mode(context: Context) -> str:
    async with context.http("mail-api") as http:
        answer = await http.get(PATH)
        answer.raise_for_status()
        return str(answer.json()["mode"])


async def _greeting(context: Context, seconds: float) -> tuple[str, float]:
    """The first line that the server says to EHLO or before, empty if none within `seconds`; seconds it took."""
    begun = time.monotonic()
    reader, writer = await asyncio.open_connection(*context.instance.endpoint("mail"))
    try:
        async with asyncio.timeout(seconds):
            line = await reader.readline()
            if line.startswith(b"220"):
                writer.write(b"EHLO fault-probe\r\n")
                line = await reader.readline()
        return line.decode(errors="replace").strip(), time.monotonic() - begun
    except TimeoutError:
        return "", time.monotonic() - begun
    finally:
        writer.close()


class Refuse(OfMail):
    """It is there and takes nothing."""

    name = "refuse"
    mode = "refuse"
    summary = "answers 421 to every session"

    async def bites(self, context: Context, fault: Fault) -> str:
        """EHLO is refused."""
        line, seconds = await _greeting(context, SECONDS)
        if not line.startswith("421"):
            raise NotBiting(f"it answered {line!r}")
        return f"it answered {line!r} after {seconds * 1000:.0f} ms"


class Tarpit(OfMail):
    """It is slow on purpose."""

    name = "tarpit"
    mode = "tarpit"
    summary = "lets everybody wait for each reply"
    attributes = (
        Attribute("delay", "time before each reply", type=float, unit="s", default=10.0, minimum=0.05, maximum=60.0),
    )

    async def bites(self, context: Context, fault: Fault) -> str:
        """No reply comes as soon as it should."""
        wanted = min(float(fault.attributes["delay"]), SECONDS) * 0.9
        line, seconds = await _greeting(context, wanted)
        if line:
            raise NotBiting(f"it answered {line!r} after {seconds * 1000:.0f} ms")
        return f"no reply to EHLO within {seconds * 1000:.0f} ms"


class DropAfterData(OfMail):
    """The worst moment to fail: the mail is stored, and its sender does not learn that."""

    name = "drop-after-data"
    mode = "drop_after_data"
    summary = "stores each mail and drops the connection before it says so"

    async def bites(self, context: Context, fault: Fault) -> str:
        """A mail of ours is there although it was never acknowledged; it is removed again."""
        answer = await probe_mail(context, f"fault probe {uuid.uuid4().hex}")
        if not answer.stored or answer.accepted:
            raise NotBiting(f"a mail was answered with {answer.said}, and was {'' if answer.stored else 'not '}stored")
        return f"a mail was stored, and its sender got {answer.said}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a mail: what its sender was told, and whether it is there."""

    said: str
    accepted: bool
    stored: bool


async def probe_mail(context: Context, subject: str) -> Answer:
    """Send a mail of ours, see whether it arrived, and remove it again."""
    message = EmailMessage()
    message["From"] = message["To"] = PROBE
    message["Subject"] = subject
    accepted = False
    host, port = context.instance.endpoint("mail")
    try:
        await aiosmtplib.send(message, hostname=host, port=port, timeout=SECONDS)
        said, accepted = "250", True
    except (aiosmtplib.SMTPException, OSError) as error:
        said = f"{type(error).__name__}: {error}"
    async with context.http("mail-api") as http:
        found = (await http.get("/api/v1/search", params={"query": f'subject:"{subject}"'})).json()["messages"]
        if found:
            body = {"IDs": [each["ID"] for each in found]}
            (await http.request("DELETE", "/api/v1/messages", json=body)).raise_for_status()
    return Answer(said, accepted, bool(found))


KINDS: tuple[FaultKind, ...] = (Refuse(), Tarpit(), DropAfterData())
