"""Two plain pages to read mail in a browser: the list at `/` and one mail at `/view/{ID}`, where Mailpit has it too.

Mail is hostile input: everything is shown as escaped text, and the pages forbid scripts and foreign content.
"""

from html import escape
from typing import Annotated

from litestar import Response, get
from litestar.datastructures import State
from litestar.params import FromPath, QueryParameter

from worker.mailsink.api import stored_mail
from worker.mailsink.parse import parse_mail
from worker.mailsink.schemas import Address, MessageSummary

PAGE_SIZE = 50
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_STYLE = """
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #8884; vertical-align: top }
td, dd { overflow-wrap: anywhere }
.unread { font-weight: 600 }
.snippet { opacity: .7; font-weight: 400 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem }
dt { opacity: .7 } dd { margin: 0 }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border-top: 1px solid #8884; padding-top: 1rem }
"""


def _page(title: str, body: str) -> Response[str]:
    document = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>{body}</body></html>'
    )
    return Response(document, media_type="text/html", headers=_HEADERS)


def _people(addresses: list[Address]) -> str:
    return escape(", ".join(f"{one.name} <{one.address}>" if one.name else one.address for one in addresses))


def _row(mail: MessageSummary) -> str:
    return (
        f'<tr class="{"read" if mail.read else "unread"}"><td>{mail.created:%Y-%m-%d %H:%M:%S}</td>'
        f"<td>{_people(mail.to + mail.cc + mail.bcc)}</td>"
        f'<td><a href="/view/{escape(mail.id)}">{escape(mail.subject or "(no subject)")}</a>'
        f'<br><span class="snippet">{escape(mail.snippet[:120])}</span></td></tr>'
    )


@get("/", include_in_schema=False)
async def show_mailbox(state: State, start: Annotated[int, QueryParameter(ge=0)] = 0) -> Response[str]:
    """List the mails, newest first, fifty to a page."""
    page = await state.mailbox.find(start=start, limit=PAGE_SIZE)
    rows = "".join(_row(mail) for mail in page.messages) or '<tr><td colspan="3">No mail yet.</td></tr>'
    newer = f'<a href="/?start={max(0, start - PAGE_SIZE)}">newer</a> ' if start else ""
    older = f'<a href="/?start={start + PAGE_SIZE}">older</a>' if start + PAGE_SIZE < page.matching else ""
    return _page(
        "Mail",
        f"<h1>Mail</h1><p>{page.matching} mails, {page.matching_unread} unread</p><table><thead><tr>"
        f"<th>Received (UTC)</th><th>To</th><th>Subject</th></tr></thead><tbody>{rows}</tbody></table>"
        f"<p>{newer}{older}</p>",
    )


@get("/view/{identifier:str}", include_in_schema=False)
async def show_mail(state: State, identifier: FromPath[str]) -> Response[str]:
    """Show one mail as text and mark it as read."""
    mail = await stored_mail(state.mailbox, identifier)
    summary, content = mail.summary, parse_mail(mail.source)
    fields = {
        "From": _people([summary.from_] if summary.from_ else []),
        "To": _people(summary.to),
        "Cc": _people(summary.cc),
        "Bcc": _people(summary.bcc),
        "Date": escape((content.date or summary.created).isoformat(sep=" ", timespec="seconds")),
        "Message-ID": escape(summary.message_id),
        "Attachments": escape(", ".join(part.file_name or part.content_type for part in content.attachments)),
    }
    shown = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in fields.items() if value)
    title = summary.subject or "(no subject)"
    return _page(
        title,
        f'<p><a href="/">All mail</a> · <a href="/api/v1/message/{escape(summary.id)}/raw">Source</a></p>'
        f"<h1>{escape(title)}</h1><dl>{shown}</dl><pre>{escape(content.text)}</pre>",
    )
