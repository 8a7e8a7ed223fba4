"""Wire types of Mailpit's message API: the same field names and meanings as Mailpit v1.27."""

from datetime import datetime

import msgspec

_IRREGULAR = {"id": "ID", "message_id": "MessageID", "html": "HTML", "ids": "IDs"}


def _mailpit_name(field: str) -> str:
    return _IRREGULAR.get(field) or "".join(word.capitalize() for word in field.split("_"))


class Address(msgspec.Struct, frozen=True, rename=_mailpit_name):
    """One mailbox: display name (may be empty) and address."""

    name: str
    address: str


class Attachment(msgspec.Struct, frozen=True, rename=_mailpit_name):
    """What is known of an attached part; its size is in bytes, decoded."""

    file_name: str
    content_type: str
    content_id: str
    size: int


class MessageSummary(msgspec.Struct, frozen=True, rename=_mailpit_name):
    """One line of a mailbox listing; `size` is the size of the source in bytes."""

    id: str
    message_id: str
    read: bool
    from_: Address | None = msgspec.field(name="From")
    to: list[Address]
    cc: list[Address]
    bcc: list[Address]
    reply_to: list[Address]
    subject: str
    created: datetime
    tags: list[str]
    size: int
    attachments: int
    snippet: str


class MessageDetail(msgspec.Struct, frozen=True, rename=_mailpit_name):
    """One mail, decoded; `date` is the mail's own date if it has one, else when it was received."""

    id: str
    message_id: str
    from_: Address | None = msgspec.field(name="From")
    to: list[Address]
    cc: list[Address]
    bcc: list[Address]
    reply_to: list[Address]
    return_path: str
    subject: str
    date: datetime
    tags: list[str]
    text: str
    html: str
    size: int
    inline: list[Attachment]
    attachments: list[Attachment]


class MessagesSummary(msgspec.Struct, frozen=True):
    """A page of a listing or a search; these names are lower-case in Mailpit too."""

    total: int
    unread: int
    count: int
    messages_count: int
    messages_unread: int
    start: int
    tags: list[str]
    messages: list[MessageSummary]


class MessageIds(msgspec.Struct, frozen=True, rename=_mailpit_name):
    """Body of a deletion; no identifiers means every mail, as in Mailpit."""

    ids: list[str] = []


class RuntimeStats(msgspec.Struct, frozen=True):
    """Counts since this process started; `uptime` in seconds, sizes in bytes."""

    uptime: int = msgspec.field(name="Uptime")
    messages_deleted: int = msgspec.field(name="MessagesDeleted")
    smtp_accepted: int = msgspec.field(name="SMTPAccepted")
    smtp_accepted_size: int = msgspec.field(name="SMTPAcceptedSize")
    smtp_rejected: int = msgspec.field(name="SMTPRejected")


class AppInformation(msgspec.Struct, frozen=True, rename=_mailpit_name):
    """What runs here and how full it is; `database_size` in bytes."""

    version: str
    database: str
    database_size: int
    messages: int
    unread: int
    tags: dict[str, int]
    runtime_stats: RuntimeStats
