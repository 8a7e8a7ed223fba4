from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import httpx

Compose = Callable[..., EmailMessage]
Sink = Any  # the class lives in conftest.py, which importlib mode does not let tests import

# Field names of Mailpit v1.27's API documentation.
SUMMARY_FIELDS = {
    "ID", "MessageID", "Read", "From", "To", "Cc", "Bcc", "ReplyTo", "Subject", "Created", "Tags", "Size",
    "Attachments", "Snippet",
}  # fmt: skip
MESSAGE_FIELDS = {
    "ID", "MessageID", "From", "To", "Cc", "Bcc", "ReplyTo", "ReturnPath", "Subject", "Date", "Tags", "Text", "HTML",
    "Size", "Inline", "Attachments",
}  # fmt: skip
LISTING_FIELDS = {
    "total", "unread", "count", "messages_count", "messages_unread", "start", "tags", "messages",
}  # fmt: skip


async def test_a_mail_is_found_by_its_message_id(sink: Sink, compose: Compose) -> None:
    await sink.send(compose(1))
    await sink.send(compose(2))
    found = sink.get("/api/v1/search", query="message-id:event-1@stormglass.test")
    assert set(found) == LISTING_FIELDS
    assert (found["messages_count"], found["count"], found["total"], found["unread"]) == (1, 1, 2, 2)
    (mail,) = found["messages"]
    assert set(mail) == SUMMARY_FIELDS
    assert mail["MessageID"] == "event-1@stormglass.test"
    assert mail["From"] == {"Name": "Stormglass", "Address": "shop@example.test"}
    assert mail["To"] == [{"Name": "Ada", "Address": "ada@example.test"}]
    assert mail["Subject"] == "Order 1 confirmed"
    assert mail["Snippet"] == "Thank you for your order."
    assert mail["Read"] is False
    assert sink.get("/api/v1/search", query="message-id:event-3@stormglass.test")["messages"] == []


async def test_searches_combine(sink: Sink, compose: Compose) -> None:
    await sink.send(compose(1))
    await sink.send(compose(2, To="bob@example.test", text="A parcel for you"))
    for query, expected in {
        "to:bob@example.test": ["Order 2 confirmed"],
        'to:ada@example.test subject:"order 1"': ["Order 1 confirmed"],
        "to:ada@example.test subject:2": [],
        "PARCEL": ["Order 2 confirmed"],
        "confirmed": ["Order 2 confirmed", "Order 1 confirmed"],
    }.items():
        found = sink.get("/api/v1/search", query=query)
        assert [mail["Subject"] for mail in found["messages"]] == expected, query


async def test_one_mail_its_latest_and_its_source(sink: Sink, compose: Compose) -> None:
    await sink.send(compose(1), recipients=["ada@example.test", "audit@example.test"])
    (summary,) = sink.get("/api/v1/messages")["messages"]
    mail = sink.get(f"/api/v1/message/{summary['ID']}")
    assert set(mail) == MESSAGE_FIELDS
    assert mail["Text"] == "Thank you for your order.\n"
    assert mail["ReturnPath"] == "shop@example.test"
    assert mail["Bcc"] == [{"Name": "", "Address": "audit@example.test"}]
    assert sink.get("/api/v1/message/latest") == mail
    with sink.http as client:
        source = client.get(f"/api/v1/message/{summary['ID']}/raw")
        assert source.headers["content-type"].startswith("text/plain")
        assert len(source.content) == mail["Size"]
        assert source.text.endswith("\r\n\r\nThank you for your order.\r\n")
        missing = client.get("/api/v1/message/unknown")
        assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    assert sink.get("/api/v1/messages")["unread"] == 0


async def test_pages_and_deletion(sink: Sink, compose: Compose) -> None:
    for number in range(1, 5):
        await sink.send(compose(number))
    page = sink.get("/api/v1/messages", start=1, limit=2)
    assert [mail["Subject"] for mail in page["messages"]] == ["Order 3 confirmed", "Order 2 confirmed"]
    assert (page["start"], page["count"], page["total"]) == (1, 2, 4)
    with sink.http as client:
        chosen = {"IDs": [mail["ID"] for mail in page["messages"]]}
        answer = client.request("DELETE", "/api/v1/messages", json=chosen)
        assert (answer.status_code, answer.text) == (200, "ok")
        assert sink.get("/api/v1/messages")["total"] == 2
        assert client.request("DELETE", "/api/v1/messages", content=b"{broken").status_code == 400
        assert client.request("DELETE", "/api/v1/messages", json={"IDs": "all"}).status_code == 400
        assert sink.get("/api/v1/messages")["total"] == 2
        assert client.request("DELETE", "/api/v1/messages").status_code == 200
    assert sink.get("/api/v1/messages")["total"] == 0
    with sink.http as client:
        assert client.get("/api/v1/message/latest").status_code == 404


async def test_only_the_newest_are_kept_and_the_rest_is_counted(
    start_sink: Callable[..., Sink], compose: Compose
) -> None:
    sink = start_sink(max_messages=3)
    async with sink.client() as client:
        for number in range(1, 8):
            await client.send_message(compose(number))
    listing = sink.get("/api/v1/messages")
    assert [mail["Subject"] for mail in listing["messages"]] == [f"Order {n} confirmed" for n in (7, 6, 5)]
    information = sink.get("/api/v1/info")
    assert (information["Messages"], information["Unread"]) == (3, 3)
    assert information["RuntimeStats"]["SMTPAccepted"] == 7
    assert information["RuntimeStats"]["MessagesDeleted"] == 4
    assert information["DatabaseSize"] > 0


def test_questions_that_cannot_be_answered(sink: Sink) -> None:
    with sink.http as client:
        assert client.get("/api/v1/search").status_code == 400
        unsupported = client.get("/api/v1/search", params={"query": "before:2026-01-01"})
        assert unsupported.status_code == 400
        assert "message-id:" in unsupported.text
        assert client.get("/api/v1/messages", params={"limit": -1}).status_code == 400


def test_health_as_mailpit_and_as_the_platform(sink: Sink) -> None:
    with sink.http as client:
        for path in ("/livez", "/readyz"):
            answer = client.get(path)
            assert (answer.status_code, answer.text) == (200, "ok")
        assert client.get("/mail/schema/openapi.json").status_code == 200
    admin = httpx.get(f"http://127.0.0.1:{sink.ports[1]}/readyz").json()
    assert (admin["status"], admin["problems"]) == ("ready", {})


async def test_the_pages_escape_what_mail_brings(sink: Sink, compose: Compose) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    await sink.send(
        compose(
            1,
            text=hostile,
            Subject=hostile,
            **{"Message-ID": '<"><script>alert(3)</script>@x>', "To": "a@example.test"},
        )
    )
    with sink.http as client:
        empty_search = client.get("/?start=50")
        assert empty_search.status_code == 200
        pages = [client.get("/"), client.get("/view/latest")]
        assert client.get("/view/unknown").status_code == 404
    for page in pages:
        assert page.status_code == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "<script" not in page.text
        assert "<img" not in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "a@example.test" in pages[0].text
