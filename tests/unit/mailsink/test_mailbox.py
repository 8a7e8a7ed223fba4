from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from worker.mailsink.mailbox import Mailbox
from worker.mailsink.search import parse_query


def _source(number: int, body: str = "hello") -> bytes:
    return (
        f"From: shop@example.test\r\nTo: Ada <ada{number}@example.test>\r\nSubject: order {number}\r\n"
        f"Message-ID: <event-{number}@stormglass.test>\r\n\r\n{body}\r\n"
    ).encode()


@pytest.fixture
async def mailbox(tmp_path: Path) -> AsyncIterator[Mailbox]:
    async with Mailbox(tmp_path / "deep" / "mail.db", max_messages=3) as mailbox:
        yield mailbox


async def _add(mailbox: Mailbox, *numbers: int) -> list[str]:
    return [await mailbox.add(_source(n), "shop@example.test", [f"ada{n}@example.test"]) for n in numbers]


async def test_keeps_the_newest_and_counts_the_rest(mailbox: Mailbox) -> None:
    await _add(mailbox, 1, 2, 3, 4, 5)
    page = await mailbox.find()
    assert [mail.subject for mail in page.messages] == ["order 5", "order 4", "order 3"]
    assert (page.matching, page.matching_unread, mailbox.deleted) == (3, 3, 2)


async def test_deletions_make_room_that_is_used(mailbox: Mailbox) -> None:
    identifiers = await _add(mailbox, 1, 2, 3)
    assert await mailbox.delete([identifiers[1], "unknown"]) == 1
    await _add(mailbox, 4)
    assert [mail.subject for mail in (await mailbox.find()).messages] == ["order 4", "order 3", "order 1"]
    assert await mailbox.delete() == 3
    assert (await mailbox.counts(), mailbox.deleted) == ((0, 0), 4)


async def test_a_smaller_bound_is_applied_when_reopened(tmp_path: Path) -> None:
    async with Mailbox(tmp_path / "mail.db", max_messages=10) as before:
        await _add(before, 1, 2, 3, 4)
    async with Mailbox(tmp_path / "mail.db", max_messages=2) as after:
        assert [mail.subject for mail in (await after.find()).messages] == ["order 4", "order 3"]
        await _add(after, 5)
        assert await after.counts() == (2, 2)


async def test_reading_marks_as_read(mailbox: Mailbox) -> None:
    identifier = (await _add(mailbox, 1, 2))[0]
    mail = await mailbox.read(identifier)
    assert mail is not None
    assert mail.source == _source(1)
    assert mail.return_path == "shop@example.test"
    assert await mailbox.counts() == (2, 1)
    latest = await mailbox.read("latest", mark=False)
    assert latest is not None
    assert latest.summary.subject == "order 2"
    assert await mailbox.counts() == (2, 1)
    assert await mailbox.read("unknown") is None


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ("message-id:event-2@stormglass.test", ["order 2"]),
        ("to:ADA1", ["order 1"]),
        ("to:Ada subject:order", ["order 3", "order 2", "order 1"]),
        ("to:ada1 subject:3", []),
        ("hello -to:ada2", ["order 3", "order 1"]),
        ("order_1", []),
        ("is:read", []),
    ],
)
async def test_search(mailbox: Mailbox, query: str, subjects: list[str]) -> None:
    await _add(mailbox, 1, 2, 3)
    page = await mailbox.find(parse_query(query))
    assert [mail.subject for mail in page.messages] == subjects
    assert page.matching == len(subjects)


async def test_pages(mailbox: Mailbox) -> None:
    await _add(mailbox, 1, 2, 3)
    page = await mailbox.find(start=1, limit=1)
    assert ([mail.subject for mail in page.messages], page.matching) == (["order 2"], 3)


async def test_malformed_mail_is_kept_whole(mailbox: Mailbox) -> None:
    source = b"Subject: \xff\r\nContent-Type: text/plain; charset=unicode_escape\r\n\r\n\\ud800"
    identifier = await mailbox.add(source, "\udcff@example.test", ["\udcfe@example.test"])
    mail = await mailbox.read(identifier)
    assert mail is not None
    assert mail.source == source
