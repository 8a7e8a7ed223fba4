"""The mails, in SQLite. What `add` has returned is on disk and survives the process, the machine and the power."""

import asyncio
import json
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

from stormglass.telemetry import names
from worker.mailsink.parse import parse_mail, well_formed
from worker.mailsink.schemas import Address, MessageSummary
from worker.mailsink.search import EVERYTHING, Condition, searchable

# `source` comes last: SQLite then lists and searches without reading the overflow pages of long mails.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS mail (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    message_id TEXT NOT NULL,
    created TEXT NOT NULL,
    is_read INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL,
    attachments INTEGER NOT NULL,
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL,
    cc TEXT NOT NULL,
    bcc TEXT NOT NULL,
    reply_to TEXT NOT NULL,
    return_path TEXT NOT NULL,
    subject TEXT NOT NULL,
    snippet TEXT NOT NULL,
    search_text TEXT NOT NULL,
    source BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS mail_is_read ON mail (is_read);
CREATE INDEX IF NOT EXISTS mail_message_id ON mail (message_id);
"""
_SUMMARY = (
    "id, message_id, is_read, sender, recipients, cc, bcc, reply_to, subject, created, size, attachments, snippet"
)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoredMail:
    """One mail with its source, as it came, and the envelope's sender."""

    summary: MessageSummary
    return_path: str
    source: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a listing, newest first, with how many mails match in all and how many of those are unread."""

    messages: list[MessageSummary]
    matching: int
    matching_unread: int


class Mailbox:
    """At most `max_messages` mails, the newest. One thread owns the connection, so operations never interleave."""

    def __init__(self, path: Path, max_messages: int) -> None:
        self.path = path
        self._max_messages = max_messages
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mailbox")
        self._connection: sqlite3.Connection
        self._total = 0
        self.deleted = 0
        """Mails deleted since the start, on request or because newer ones took their place."""

    async def __aenter__(self) -> Self:
        await self._run(self._open)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._run(self._connection.close)
        self._thread.shutdown()

    async def add(self, source: bytes, mail_from: str, recipients: Sequence[str]) -> str:
        """Commit one mail and return its identifier; the oldest make room. Raises sqlite3.Error."""
        return await self._run(lambda: self._add(source, mail_from, recipients))

    async def find(self, condition: Condition = EVERYTHING, *, start: int = 0, limit: int = 50) -> Page:
        """The mails that match, newest first, from the `start`-th on."""
        return await self._run(lambda: self._find(condition, start, limit))

    async def read(self, identifier: str, *, mark: bool = True) -> StoredMail | None:
        """One mail (`latest`: the newest), marked as read unless told otherwise; None if there is none."""
        return await self._run(lambda: self._read(identifier, mark=mark))

    async def delete(self, identifiers: Sequence[str] | None = None) -> int:
        """Delete these mails, or all when None; returns how many there were."""
        return await self._run(lambda: self._delete(identifiers))

    async def counts(self) -> tuple[int, int]:
        """All mails, and the unread among them."""
        return await self._run(lambda: self._counts(EVERYTHING))

    def size_bytes(self) -> int:
        """Size of the database file, without its write-ahead log."""
        return self.path.stat().st_size

    async def _run(self, operation: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, operation)

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(self.path)
        self._connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit is synced before the 250, so that it outlives a power cut and not only the process.
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(_SCHEMA)
        with self._connection:
            self._total, _ = self._counts(EVERYTHING)
            self._make_room()

    def _add(self, source: bytes, mail_from: str, recipients: Sequence[str]) -> str:
        mail = parse_mail(source)
        bcc = mail.hidden_recipients(recipients)
        senders = [mail.sender] if mail.sender else []
        people = [_to_json(group) for group in (senders, mail.to, mail.cc, bcc, mail.reply_to)]
        row = {
            "id": uuid.uuid4().hex,
            "message_id": mail.message_id,
            "created": datetime.now(UTC).isoformat(),
            "size": len(source),
            "attachments": len(mail.attachments),
            **dict(zip(("sender", "recipients", "cc", "bcc", "reply_to"), people, strict=True)),
            "return_path": well_formed(mail_from),
            "subject": mail.subject,
            "snippet": mail.snippet,
            "search_text": searchable(" ".join([mail.message_id, mail.subject, *people, mail.text])),
            "source": source,
        }
        columns, values = ", ".join(row), ", ".join(f":{column}" for column in row)
        with self._connection:
            known = "SELECT EXISTS (SELECT 1 FROM mail WHERE message_id = ?)"
            repeated = bool(self._connection.execute(known, (mail.message_id,)).fetchone()[0])
            self._connection.execute(f"INSERT INTO mail ({columns}) VALUES ({values})", row)  # noqa: S608 - our own columns - own names
            self._make_room(arriving=1)
        names.MAILSINK_MESSAGES.counter().labels("repeated" if repeated else "first").inc()
        return str(row["id"])

    def _make_room(self, arriving: int = 0) -> None:
        excess = max(0, self._total + arriving - self._max_messages)
        if excess:
            self._connection.execute(
                "DELETE FROM mail WHERE sequence IN (SELECT sequence FROM mail ORDER BY sequence LIMIT ?)", (excess,)
            )
        self._total += arriving - excess
        self.deleted += excess

    def _find(self, condition: Condition, start: int, limit: int) -> Page:
        rows = self._connection.execute(
            # The condition's text is made of this package's own column names; what people typed are parameters.
            f"SELECT {_SUMMARY} FROM mail WHERE {condition.sql} ORDER BY sequence DESC LIMIT ? OFFSET ?",  # noqa: S608 - our own columns
            (*condition.parameters, limit, start),
        ).fetchall()
        return Page([_to_summary(row) for row in rows], *self._counts(condition))

    def _counts(self, condition: Condition) -> tuple[int, int]:
        total, unread = self._connection.execute(
            f"SELECT count(*), count(*) FILTER (WHERE is_read = 0) FROM mail WHERE {condition.sql}",  # noqa: S608 - our own columns - as above
            condition.parameters,
        ).fetchone()
        return int(total), int(unread)

    def _read(self, identifier: str, *, mark: bool) -> StoredMail | None:
        where, parameters = ("1", ()) if identifier == "latest" else ("id = ?", (identifier,))
        row = self._connection.execute(
            f"SELECT {_SUMMARY}, return_path, source FROM mail WHERE {where} ORDER BY sequence DESC LIMIT 1",  # noqa: S608 - our own columns
            parameters,  # the condition is one of the two literals above
        ).fetchone()
        if row is None:
            return None
        summary = _to_summary(row[:-2])
        if mark and not summary.read:
            with self._connection:
                self._connection.execute("UPDATE mail SET is_read = 1 WHERE id = ?", (summary.id,))
        return StoredMail(summary, row[-2], row[-1])

    def _delete(self, identifiers: Sequence[str] | None) -> int:
        with self._connection:
            if identifiers is None:
                deleted = self._connection.execute("DELETE FROM mail").rowcount
            else:
                deleted = self._connection.execute(
                    "DELETE FROM mail WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(identifiers),)
                ).rowcount
        self._total -= deleted
        self.deleted += deleted
        return deleted


def _to_json(addresses: Sequence[Address]) -> str:
    return json.dumps([[entry.name, entry.address] for entry in addresses], ensure_ascii=False)


def _to_summary(row: Sequence[object]) -> MessageSummary:
    identifier, message_id, read, sender, to, cc, bcc, reply_to, subject, created, size, attachments, snippet = row
    senders = _from_json(sender)
    return MessageSummary(
        id=str(identifier),
        message_id=str(message_id),
        read=bool(read),
        from_=senders[0] if senders else None,
        to=_from_json(to),
        cc=_from_json(cc),
        bcc=_from_json(bcc),
        reply_to=_from_json(reply_to),
        subject=str(subject),
        created=datetime.fromisoformat(str(created)),
        tags=[],
        size=int(str(size)),
        attachments=int(str(attachments)),
        snippet=str(snippet),
    )


def _from_json(text: object) -> list[Address]:
    return [Address(name, address) for name, address in json.loads(str(text))]
