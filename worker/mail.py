"""One mail per event: recorded before it is sent, looked for before it is sent again (see docs/delivery.md)."""

import uuid

from opentelemetry import trace

from stormglass.service.client import CallFailed, ServiceClient
from stormglass.telemetry import names
from stormglass.telemetry.logs import logger
from worker.ledger import Entry, Ledger
from worker.mailserver import MailServer
from worker.messages import Letter, envelope, message_id

_log = logger(__name__)


class Mail:
    """Sends letters to users."""

    def __init__(self, ledger: Ledger, server: MailServer, services: ServiceClient, sender: str) -> None:
        self._ledger = ledger
        self._server = server
        self._services = services
        self._sender = sender

    async def send(self, event_id: uuid.UUID, user_id: str, letter: Letter) -> None:
        """Send the one mail of an event, unless it was sent already.

        Raises:
            SomeoneElseSends: another worker is at it; try later.
            MailRefused, OSError, CallFailed, aiohttp.ClientError: not sent, or not known; try later.
        """
        async with self._ledger.entry(event_id) as entry:
            try:
                outcome = await self._once(entry, event_id, user_id, letter)
            except Exception:
                names.MAIL.counter().labels("failed").inc()
                raise
        names.MAIL.counter().labels(outcome).inc()
        trace.get_current_span().add_event("mail", {"mail.outcome": outcome, "mail.kind": letter.kind})
        _log.info("mail", outcome=outcome, kind=letter.kind, event_id=str(event_id))

    async def _once(self, entry: Entry, event_id: uuid.UUID, user_id: str, letter: Letter) -> str:
        before = await entry.begin(letter.kind, message_id(event_id))
        if before == "sent":
            return "skipped"
        if before == "unsure" and await self._server.has(message_id(event_id)):
            await entry.sent(found=True)
            return "found"
        contact = await self._contact(user_id)
        await self._server.send(envelope(letter, event_id=event_id, sender=self._sender, **contact))
        await entry.sent(found=False)
        return "sent"

    async def _contact(self, user_id: str) -> dict[str, str]:
        answer = await self._services.call("users", "GET", "/users/{id}/contact", path={"id": user_id})
        if answer.status != 200:
            raise CallFailed("users", f"no contact for the user: {answer.status}", answer.status)
        return {"name": str(answer.body["name"]), "email": str(answer.body["email"])}
