"""The SMTP server: aiosmtpd's protocol on the application's own event loop, storing each mail before its 250."""

import asyncio
import collections
import logging
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from stormglass.telemetry.logs import logger
from worker.mailsink.behaviour import BehaviourSwitch
from worker.mailsink.mailbox import Mailbox
from worker.mailsink.settings import MailSettings

_IDLE_SECONDS = 300.0  # RFC 5321 4.5.3.2.7: a server waits at least five minutes for the next command
_COMMAND_OCTETS = 512  # RFC 5321 4.5.3.1.4
_STORE_FAILED = "451 4.3.0 The mail could not be stored; send it again later"
_INTERNAL_ERROR = "451 4.3.0 Local error in processing; send it again later"
_log = logger(__name__)


@dataclass(slots=True)
class SmtpStats:
    """Counts since the start: mails stored, the bytes of their sources, and replies that refused something."""

    accepted: int = 0
    accepted_bytes: int = 0
    rejected: int = 0


@dataclass(slots=True)
class SmtpServer:
    """The running server: the port it got, its counts, and its open connections."""

    port: int = 0
    serving: bool = False
    started: float = field(default_factory=time.monotonic)
    stats: SmtpStats = field(default_factory=SmtpStats)
    connections: set["SinkProtocol"] = field(default_factory=set)

    @property
    def uptime_seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started


class SinkHandler:
    """Decides over each step of a session: the behaviour is asked first, then the mail is stored."""

    def __init__(self, mailbox: Mailbox, switch: BehaviourSwitch, stats: SmtpStats) -> None:
        self._mailbox = mailbox
        self._switch = switch
        self._stats = stats

    async def handle_HELO(self, server: SMTP, session: Session, envelope: Envelope, hostname: str) -> str:  # noqa: N802 - aiosmtpd's name
        """Greet, or refuse."""
        session.host_name = hostname
        return await self._switch.current.on_session() or f"250 {server.hostname}"

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Greet with the list of extensions, or refuse."""
        session.host_name = hostname
        refusal = await self._switch.current.on_session()
        return [refusal] if refusal else responses

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Begin a mail; a session opened before a refusal began is refused here."""
        if refusal := await self._switch.current.on_session():
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept every recipient, unless the behaviour refuses."""
        if refusal := await self._switch.current.on_recipient():
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: "SinkProtocol", session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Store the mail; the 250 follows the commit."""
        source = envelope.original_content or b""
        try:
            identifier = await self._mailbox.add(source, envelope.mail_from or "", envelope.rcpt_tos)
        except sqlite3.Error as error:
            # The class and SQLite's own words name the cause (disk full, locked) and nothing of the mail.
            _log.error("mail refused with 451: the database failed", reason=f"{type(error).__name__}: {error}")
            return _STORE_FAILED
        self._stats.accepted += 1
        self._stats.accepted_bytes += len(source)
        if not await self._switch.current.acknowledges():
            server.drop()
        return f"250 2.0.0 OK: stored as {identifier}"

    async def handle_exception(self, error: Exception) -> str:
        """Answer an unforeseen error without repeating anything the client sent."""
        _log.error("SMTP session failed", error=type(error).__name__)
        return _INTERNAL_ERROR


class SinkProtocol(SMTP):
    """aiosmtpd's session with three additions: the behaviour's seam, closing after 421, and counting refusals."""

    def __init__(self, server: SmtpServer, mailbox: Mailbox, switch: BehaviourSwitch, max_bytes: int) -> None:
        super().__init__(
            SinkHandler(mailbox, switch, server.stats),
            data_size_limit=max_bytes,
            enable_SMTPUTF8=True,
            hostname="localhost",  # the default asks the resolver and blocks the loop for each connection
            ident="Stormglass mail sink",
            timeout=_IDLE_SECONDS,
            loop=asyncio.get_running_loop(),
        )
        # aiosmtpd raises these limits at each EHLO in a dictionary that all sessions share: it would grow for ever.
        self.command_size_limits = collections.defaultdict(lambda: _COMMAND_OCTETS)
        self._server = server
        self._switch = switch

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin a session."""
        self._server.connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """End a session."""
        self._server.connections.discard(self)
        super().connection_lost(error)

    def drop(self) -> None:
        """Cut the connection without another word."""
        if self.transport is not None:
            # asyncio's stream transports have it; aiosmtpd declares their base class only
            cast("asyncio.WriteTransport", self.transport).abort()

    async def push(self, status: str | bytes) -> None:
        """Send one line of a reply, unless the peer is gone; 421 ends the session (RFC 5321 3.8)."""
        line = status.encode() if isinstance(status, str) else status
        if line[3:4] != b"-":  # a reply of many lines is one reply: only its last line waits
            await self._switch.current.before_reply()
        if self.transport is None or self.transport.is_closing():
            return
        self._server.stats.rejected += line[:1] in {b"4", b"5"}
        await super().push(line)
        if line.startswith(b"421") and self.transport is not None:
            self.transport.close()

    async def _handle_client(self) -> None:
        # aiosmtpd has no hook before its greeting.
        if refusal := await self._switch.current.on_session():
            await self.push(refusal)
            return
        await super()._handle_client()


@asynccontextmanager
async def serve_smtp(settings: MailSettings, mailbox: Mailbox, switch: BehaviourSwitch) -> AsyncIterator[SmtpServer]:
    """Serve until the block ends, then cut what is still open: a sender without its 250 sends again."""
    # Below ERROR this library logs every address, and at DEBUG every line of every mail.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    server = SmtpServer()
    listener = await asyncio.get_running_loop().create_server(
        lambda: SinkProtocol(server, mailbox, switch, settings.max_message_bytes),
        settings.smtp_host,
        settings.smtp_port,
    )
    server.port, server.serving = listener.sockets[0].getsockname()[1], True
    _log.info("serving SMTP", host=settings.smtp_host, port=server.port)
    try:
        yield server
    finally:
        server.serving = False
        listener.close()
        for connection in tuple(server.connections):
            connection.drop()
        await listener.wait_closed()
