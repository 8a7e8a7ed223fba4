"""How the mail sink is born: the mailbox, the SMTP server on it, and the HTTP application that shows it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, get
from litestar.datastructures import State

from stormglass.service import create_service
from worker.mailsink.api import api_router
from worker.mailsink.behaviour import BehaviourSwitch
from worker.mailsink.chaos import chaos_router
from worker.mailsink.mailbox import Mailbox
from worker.mailsink.page import show_mail, show_mailbox
from worker.mailsink.settings import MailSettings
from worker.mailsink.smtp import serve_smtp


@get(["/livez", "/readyz"], media_type="text/plain", include_in_schema=False)
async def healthy() -> str:
    """Mailpit's health routes on the traffic port: whoever is answered here finds both servers up."""
    return "ok"


async def _database_answers(state: State) -> None:
    await state.mailbox.counts()


async def _smtp_serves(state: State) -> None:
    if not state.smtp.serving:
        raise ConnectionError("the SMTP server is not listening")


def create_app(settings: MailSettings | None = None) -> Litestar:
    """The sink with its settings from the environment, unless they are given."""
    chosen = settings or MailSettings()

    @asynccontextmanager
    async def mail_server(app: Litestar) -> AsyncIterator[None]:
        app.state.behaviour = BehaviourSwitch()
        async with Mailbox(chosen.database, chosen.max_messages) as app.state.mailbox:  # noqa: SIM117 - order matters
            async with serve_smtp(chosen, app.state.mailbox, app.state.behaviour) as app.state.smtp:
                yield

    return create_service(
        name="mail",
        route_handlers=[api_router, chaos_router, show_mailbox, show_mail, healthy],
        lifespan=[mail_server],
        readiness={"database": _database_answers, "smtp": _smtp_serves},
        trace=False,
    )
