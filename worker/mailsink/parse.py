"""From the bytes of a mail to what a person reads. No mail is refused for its shape: what cannot be read is empty."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import TypeVar

from worker.mailsink.schemas import Address, Attachment

SNIPPET_LENGTH = 250  # characters, Mailpit's figure
_UNREADABLE_TAGS = frozenset({"head", "script", "style", "title"})
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """The readable content of one mail; addresses without the envelope's, `date` only if the mail states one."""

    message_id: str
    subject: str
    sender: Address | None
    to: list[Address]
    cc: list[Address]
    bcc: list[Address]
    reply_to: list[Address]
    date: datetime | None
    text: str
    html: str
    attachments: list[Attachment] = field(default_factory=list)
    inline: list[Attachment] = field(default_factory=list)

    @property
    def snippet(self) -> str:
        """The first words of the text, on one line."""
        return " ".join(self.text.split())[:SNIPPET_LENGTH]

    def hidden_recipients(self, envelope: Sequence[str]) -> list[Address]:
        """Bcc: those the header names, and every envelope recipient that no header names."""
        named = {address.address.lower() for address in (*self.to, *self.cc, *self.bcc)}
        unnamed = [recipient for recipient in map(well_formed, envelope) if recipient.lower() not in named]
        return self.bcc + [Address("", recipient) for recipient in unnamed]


def parse_mail(source: bytes) -> ParsedMail:
    """Read a mail's source as it came over SMTP."""
    message = _or(lambda: message_from_bytes(source, policy=policy.default), EmailMessage())
    senders = _addresses(message, "From")
    html = _body(message, "html")
    return ParsedMail(
        message_id=_header(message, "Message-ID").strip().strip("<>"),
        subject=_header(message, "Subject"),
        sender=senders[0] if senders else None,
        to=_addresses(message, "To"),
        cc=_addresses(message, "Cc"),
        bcc=_addresses(message, "Bcc"),
        reply_to=_addresses(message, "Reply-To"),
        date=_or(lambda: _utc(message["Date"].datetime), None),
        text=_body(message, "plain") or _text_of(html),
        html=html,
        attachments=_parts(message, "attachment"),
        inline=_parts(message, "inline"),
    )


def well_formed(text: str) -> str:
    """Text that can be stored and sent as UTF-8, from text in which bytes or lone surrogates hide."""
    try:
        # The parser hides raw bytes as surrogates; in internationalised mail those bytes are UTF-8 (RFC 6532).
        encoded = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        encoded = text.encode("utf-8", "replace")
    return encoded.decode("utf-8", "replace")


def _or(read: Callable[[], T], otherwise: T) -> T:
    try:
        return read()
    except Exception:  # noqa: BLE001 - the standard parser raises a dozen undocumented types on malformed mail
        return otherwise


def _header(message: EmailMessage, name: str) -> str:
    return _or(lambda: well_formed(str(message[name] or "")), "")


def _addresses(message: EmailMessage, name: str) -> list[Address]:
    return _or(
        lambda: [
            Address(well_formed(mailbox.display_name), well_formed(mailbox.addr_spec))
            for header in message.get_all(name, [])
            for mailbox in header.addresses
        ],
        [],
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = _or(lambda: message.get_body((kind,)), None)
    return "" if part is None else _or(lambda: well_formed(str(part.get_content()).replace("\r\n", "\n")), "")


def _parts(message: EmailMessage, disposition: str) -> list[Attachment]:
    parts: list[EmailMessage] = _or(lambda: list(message.walk()), [])
    return [_attachment(part) for part in parts if _or(part.get_content_disposition, None) == disposition]


def _utc(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _attachment(part: EmailMessage) -> Attachment:
    return Attachment(
        file_name=_or(lambda: well_formed(part.get_filename() or ""), ""),
        content_type=_or(lambda: well_formed(part.get_content_type()), "application/octet-stream"),
        content_id=_header(part, "Content-ID").strip("<>"),
        size=_or(lambda: len(part.get_payload(decode=True) or b""), 0),
    )


class _TextCollector(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.chunks: list[str] = []
        self._unreadable = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unreadable += tag in _UNREADABLE_TAGS

    def handle_endtag(self, tag: str) -> None:
        self._unreadable = max(0, self._unreadable - (tag in _UNREADABLE_TAGS))

    def handle_data(self, data: str) -> None:
        if not self._unreadable:
            self.chunks.append(data)


def _text_of(html: str) -> str:
    collector = _TextCollector()
    _or(lambda: collector.feed(html), None)
    return " ".join(" ".join(collector.chunks).split())
