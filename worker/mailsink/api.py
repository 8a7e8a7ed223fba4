"""The routes of Mailpit's API v1 that a program needs to list, find, read and delete mail."""

from typing import Annotated

import msgspec
from litestar import Request, Response, Router, delete, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException, ValidationException
from litestar.params import FromPath, QueryParameter

from stormglass import __version__
from worker.mailsink.mailbox import Mailbox, Page, StoredMail
from worker.mailsink.parse import parse_mail
from worker.mailsink.schemas import AppInformation, MessageDetail, MessageIds, MessagesSummary, RuntimeStats
from worker.mailsink.search import UnsupportedFilterError, parse_query

Start = Annotated[int, QueryParameter(ge=0, description="Mails to skip, newest first")]
Limit = Annotated[int, QueryParameter(ge=0, le=1_000, description="Most mails to return")]


async def stored_mail(mailbox: Mailbox, identifier: str, *, mark: bool = True) -> StoredMail:
    """One mail by identifier or `latest`. Raises NotFoundException."""
    mail = await mailbox.read(identifier, mark=mark)
    if mail is None:
        raise NotFoundException(f"no mail {identifier!r}: it was never here, was deleted, or newer mail took its place")
    return mail


async def _listing(mailbox: Mailbox, page: Page, start: int) -> MessagesSummary:
    total, unread = await mailbox.counts()
    return MessagesSummary(
        total=total,
        unread=unread,
        count=len(page.messages),
        messages_count=page.matching,
        messages_unread=page.matching_unread,
        start=start,
        tags=[],
        messages=page.messages,
    )


@get("/messages")
async def list_messages(state: State, start: Start = 0, limit: Limit = 50) -> MessagesSummary:
    """List mails, newest first."""
    return await _listing(state.mailbox, await state.mailbox.find(start=start, limit=limit), start)


@get("/search")
async def search_messages(
    state: State,
    wanted: Annotated[str, QueryParameter(name="query", min_length=1, max_length=1_000)],
    start: Start = 0,
    limit: Limit = 50,
) -> MessagesSummary:
    """List the mails that match a query in Mailpit's search language, newest first."""
    try:
        condition = parse_query(wanted)
    except UnsupportedFilterError as error:
        raise ValidationException(str(error)) from error
    return await _listing(state.mailbox, await state.mailbox.find(condition, start=start, limit=limit), start)


@get("/message/{identifier:str}")
async def get_message(state: State, identifier: FromPath[str]) -> MessageDetail:
    """Show one mail (`latest`: the newest) and mark it as read."""
    mail = await stored_mail(state.mailbox, identifier)
    content, summary = parse_mail(mail.source), mail.summary
    return MessageDetail(
        id=summary.id,
        message_id=summary.message_id,
        from_=summary.from_,
        to=summary.to,
        cc=summary.cc,
        bcc=summary.bcc,
        reply_to=summary.reply_to,
        return_path=mail.return_path,
        subject=summary.subject,
        date=content.date or summary.created,
        tags=[],
        text=content.text,
        html=content.html,
        size=summary.size,
        inline=content.inline,
        attachments=content.attachments,
    )


@get("/message/{identifier:str}/raw")
async def get_source(state: State, identifier: FromPath[str]) -> Response[bytes]:
    """Return one mail's source exactly as it came."""
    mail = await stored_mail(state.mailbox, identifier, mark=False)
    return Response(mail.source, media_type="text/plain", headers={"X-Content-Type-Options": "nosniff"})


@delete("/messages", status_code=200, media_type="text/plain")
async def delete_messages(state: State, request: Request[None, None, State]) -> str:
    """Delete the mails named in the body's `IDs`; without a body or without identifiers, all of them."""
    try:
        wanted = msgspec.json.decode(await request.body() or b"{}", type=MessageIds)
    except msgspec.DecodeError as error:
        # Mailpit takes a malformed body for "all"; here nothing is deleted that was not asked for.
        raise ValidationException(f'the body must be {{"IDs": ["…"]}}: {error}') from error
    await state.mailbox.delete(wanted.ids or None)
    return "ok"


@get("/info")
async def get_information(state: State) -> AppInformation:
    """Tell what runs here and how full it is."""
    mailbox, stats = state.mailbox, state.smtp.stats
    total, unread = await mailbox.counts()
    return AppInformation(
        version=f"stormglass-mailsink {__version__}",
        database=str(mailbox.path),
        database_size=mailbox.size_bytes(),
        messages=total,
        unread=unread,
        tags={},
        runtime_stats=RuntimeStats(
            uptime=int(state.smtp.uptime_seconds),
            messages_deleted=mailbox.deleted,
            smtp_accepted=stats.accepted,
            smtp_accepted_size=stats.accepted_bytes,
            smtp_rejected=stats.rejected,
        ),
    )


api_router = Router(
    path="/api/v1",
    route_handlers=[
        list_messages,
        search_messages,
        get_message,
        get_source,
        delete_messages,
        get_information,
    ],
    tags=["mail"],
)
