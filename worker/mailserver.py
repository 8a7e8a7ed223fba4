"""The mail server: SMTP to send, Mailpit's message API to ask whether a mail has arrived before."""

import re
from email.message import EmailMessage

import aiohttp
import aiosmtplib
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from stormglass import settings

SEARCH = "/api/v1/search"
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
"""An enhanced status code (RFC 3463), with which servers begin their text."""


class MailRefused(Exception):
    """The mail server did not take a message. Its codes say why; its words, which name the recipient, are left out."""

    @classmethod
    def by(cls, error: aiosmtplib.SMTPException) -> "MailRefused":
        """What may be told of `error` in logs, spans and dead letters."""
        first = error.recipients[0] if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else error
        if not isinstance(first, aiosmtplib.SMTPResponseException):
            return cls(f"{type(error).__name__}: {error}")  # the client's own words, about the connection
        return cls(" ".join([type(error).__name__, str(first.code), *_STATUS.findall(first.message)[:1]]))


class MailServer:
    """One mail server. Spans name no address: whom we write to is nobody's business but the mail server's."""

    def __init__(self, http: aiohttp.ClientSession, timeout_seconds: float) -> None:
        self._http = http
        self._timeout = timeout_seconds
        self._tracer = trace.get_tracer("worker.mail")

    async def send(self, message: EmailMessage) -> None:
        """Send one message; returns when the server has answered 250.

        Raises:
            MailRefused, OSError: it was refused, or it is not known whether it was taken.
        """
        address = settings.address("mail")
        with self._tracer.start_as_current_span(
            "SMTP send",
            kind=SpanKind.CLIENT,
            attributes={
                "server.address": "mail",
                "server.port": address.port,
                "peer.service": "mail",
                "network.protocol.name": "smtp",
                "mail.message_id": message["Message-ID"],
                "mail.size_bytes": len(message.as_bytes()),
            },
        ):
            try:
                await aiosmtplib.send(
                    message,
                    hostname=address.host,
                    port=address.port,
                    timeout=self._timeout,
                    local_hostname="worker.stormglass.local",
                    use_tls=False,
                    start_tls=False,
                )
            except aiosmtplib.SMTPException as error:
                # without its cause: that one would be printed too
                raise MailRefused.by(error) from None

    async def has(self, message_id: str) -> bool:
        """Whether a mail of this Message-ID (with its angle brackets) has arrived.

        Raises:
            aiohttp.ClientError, TimeoutError: the server cannot say.
        """
        bare = message_id.strip("<>")
        with self._tracer.start_as_current_span(
            f"GET {SEARCH}",
            kind=SpanKind.CLIENT,
            attributes={
                "http.request.method": "GET",
                "url.template": SEARCH,
                "server.address": "mail-api",
                "peer.service": "mail",
                "mail.message_id": message_id,
            },
        ) as span:
            async with self._http.get(
                settings.address("mail-api").url + SEARCH,
                params={"query": f'message-id:"{bare}"', "limit": "5"},
                timeout=aiohttp.ClientTimeout(total=self._timeout),
            ) as response:
                span.set_attribute("http.response.status_code", response.status)
                if response.status >= 500:
                    span.set_status(StatusCode.ERROR)
                response.raise_for_status()
                found = await response.json()
        return any(str(message["MessageID"]).strip("<>") == bare for message in found["messages"])
