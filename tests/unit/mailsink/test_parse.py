from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.mailsink.parse import SNIPPET_LENGTH, parse_mail
from worker.mailsink.schemas import Address


def _mail() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Störmglass <shop@example.test>"
    mail["To"] = "Ada <ada@example.test>, bob@example.test"
    mail["Cc"] = "cy@example.test"
    mail["Subject"] = "Bestätigt ✓"
    mail["Message-ID"] = "<event-1@stormglass.test>"
    mail["Date"] = "Tue, 24 Nov 2026 10:00:00 +0200"
    mail.set_content("Grüße,\n\nyour   order\n")
    return mail


def test_headers_and_text_are_decoded() -> None:
    parsed = parse_mail(_mail().as_bytes())
    assert parsed.message_id == "event-1@stormglass.test"
    assert parsed.subject == "Bestätigt ✓"
    assert parsed.sender == Address("Störmglass", "shop@example.test")
    assert parsed.to == [Address("Ada", "ada@example.test"), Address("", "bob@example.test")]
    assert parsed.date == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert parsed.text == "Grüße,\n\nyour   order\n"
    assert parsed.snippet == "Grüße, your order"
    assert parsed.attachments == []


def test_envelope_recipients_that_no_header_names_are_bcc() -> None:
    parsed = parse_mail(_mail().as_bytes())
    hidden = parsed.hidden_recipients(["ADA@example.test", "cy@example.test", "eve@example.test"])
    assert hidden == [Address("", "eve@example.test")]


def test_html_and_attachments() -> None:
    mail = _mail()
    mail.set_content("<style>p {}</style><p>Hello &amp; <b>welcome</b></p>", subtype="html")
    mail.add_attachment(b"\x00\x01\x02", maintype="application", subtype="pdf", filename="rechnung.pdf")
    parsed = parse_mail(mail.as_bytes())
    assert "<b>welcome</b>" in parsed.html
    assert parsed.text == "Hello & welcome"
    assert [(part.file_name, part.content_type, part.size) for part in parsed.attachments] == [
        ("rechnung.pdf", "application/pdf", 3)
    ]


def test_snippet_is_bounded() -> None:
    mail = _mail()
    mail.set_content("word " * 1_000)
    assert len(parse_mail(mail.as_bytes()).snippet) == SNIPPET_LENGTH


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"no header at all",
        b"From: <<<>>>@@\r\nTo: (((\r\nDate: yesterday\r\nMessage-ID: <\r\n\r\n\xff\xfe",
        b"Subject: =?no-such-charset?B?AAAA?=\r\n\r\n",
        b"Content-Type: text/plain; charset=no-such-charset\r\n\r\nbody",
        b"Content-Type: text/plain; charset=unicode_escape\r\n\r\n\\ud800",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Disposition: ;;;=\r\n\r\n",
        b"Subject: \xff raw bytes\r\n\r\nbody",
    ],
)
def test_malformed_mail_is_read_as_far_as_it_goes(source: bytes) -> None:
    parsed = parse_mail(source)
    f"{parsed.subject}{parsed.text}{parsed.html}{parsed.message_id}{parsed.sender}".encode()


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(source: bytes) -> None:
    parse_mail(b"Subject: x\r\nFrom: " + source)
    parse_mail(b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n" + source)
