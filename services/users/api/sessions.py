"""Routes for browsers: log in for a session cookie, see all log-ins of the account, end them."""

import uuid

from litestar import Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from services.users.api.common import NO_STORE, ended, invalid_credentials, no_such_user, owner, proved
from services.users.credential_schemas import Session, SessionOpened, Sessions
from services.users.models import Kind
from services.users.schemas import Credentials
from services.users.store.accounts import Accounts
from services.users.store.logins import Logins
from stormglass.security import csrf
from stormglass.security.identity import Identity
from stormglass.security.opaque import SESSION_COOKIE, new_secret
from stormglass.security.revocation import Revocations, login_id
from stormglass.service import Problem
from stormglass.service.answers import problem_answers
from stormglass.service.caller import CALLER, VISITOR, require_scope

_ENDED = problem_answers(401, 403, 404, 503, s204="It has ended")


@post(
    "/sessions",
    dependencies=VISITOR,
    responses=problem_answers(415, 503, s401="No account fits the address and the password"),
)
async def log_in(
    data: JSONBody[Credentials],
    visitor: NamedDependency[Identity | None],
    accounts: NamedDependency[Accounts],
    logins: NamedDependency[Logins],
    revocations: NamedDependency[Revocations],
) -> Response[SessionOpened]:
    """Log in with a browser: the session is in the cookie `__Host-session`. One that came along ends."""
    account = await proved(accounts, data)
    secret = new_secret()
    replacing = login_id(visitor.credential) if visitor else None
    opened = await logins.open(account, Kind.BROWSER, secret, replacing=replacing)
    if opened is None:
        raise invalid_credentials()
    lifetime = opened.login.lifetime_seconds
    return Response(
        SessionOpened(id=opened.login.id, csrf_token=csrf.token(secret), expires_in=lifetime),
        headers=NO_STORE | await ended(revocations, opened.ended),
        # kept by the browser for as long as a session can last; whether it still does is known here only
        cookies=[_cookie(secret, int((opened.login.ends_at - opened.login.created_at).total_seconds()))],
    )


@get("/sessions", dependencies=CALLER, response_headers=NO_STORE, responses=problem_answers(401, 403, 503))
async def own(caller: NamedDependency[Identity], logins: NamedDependency[Logins]) -> Sessions:
    """The caller's log-ins."""
    current = login_id(caller.credential)
    user_id = owner(caller, "account")
    return Sessions(items=[Session.of(login, current) for login in await logins.of_user(user_id)])


@get(
    "/sessions/current",
    dependencies=CALLER,
    response_headers=NO_STORE,
    responses=problem_answers(401, 403, 503, s404="The request did not come with a log-in"),
)
async def current(caller: NamedDependency[Identity], logins: NamedDependency[Logins]) -> Session:
    """The log-in that this request came with."""
    user_id, here = owner(caller, "account"), login_id(caller.credential)
    for login in await logins.of_user(user_id):
        if login.id == here:
            return Session.of(login, here)
    raise _no_such_session()


@delete("/sessions/current", dependencies=CALLER, responses=_ENDED)
async def log_out(
    caller: NamedDependency[Identity], logins: NamedDependency[Logins], revocations: NamedDependency[Revocations]
) -> Response[None]:
    """Log out here: end the log-in that this request came with, and clear the cookie."""
    here = login_id(caller.credential)
    if here is None:
        owner(caller, "account")
        raise _no_such_session()
    return await _end(here, caller, logins, revocations)


@delete("/sessions/{session_id:uuid}", dependencies=CALLER, responses=_ENDED)
async def end(
    session_id: FromPath[uuid.UUID],
    caller: NamedDependency[Identity],
    logins: NamedDependency[Logins],
    revocations: NamedDependency[Revocations],
) -> Response[None]:
    """End one of the caller's log-ins."""
    return await _end(session_id, caller, logins, revocations)


@delete("/sessions", dependencies=CALLER, responses=_ENDED)
async def log_out_everywhere(
    caller: NamedDependency[Identity], logins: NamedDependency[Logins], revocations: NamedDependency[Revocations]
) -> Response[None]:
    """Log out everywhere: end all of the caller's log-ins, this one too."""
    return await _end_all(owner(caller, "account"), logins, revocations, cookies=[_cookie("", 0)])


@delete("/users/{user_id:uuid}/sessions", dependencies=CALLER, responses=_ENDED)
async def log_somebody_out(
    user_id: FromPath[uuid.UUID],
    caller: NamedDependency[Identity],
    logins: NamedDependency[Logins],
    revocations: NamedDependency[Revocations],
) -> Response[None]:
    """Log a user out everywhere: for administrators."""
    require_scope(caller, "admin")
    return await _end_all(user_id, logins, revocations, cookies=[])


ROUTES = [log_in, own, current, log_out, end, log_out_everywhere, log_somebody_out]


async def _end(which: uuid.UUID, caller: Identity, logins: Logins, revocations: Revocations) -> Response[None]:
    if not await logins.end(owner(caller, "account"), which):
        raise _no_such_session()
    cookies = [_cookie("", 0)] if which == login_id(caller.credential) else []
    headers = NO_STORE | await ended(revocations, [which])
    return Response(None, status_code=204, headers=headers, cookies=cookies)


async def _end_all(
    user_id: uuid.UUID, logins: Logins, revocations: Revocations, *, cookies: list[Cookie]
) -> Response[None]:
    gone = await logins.end_all(user_id)
    if gone is None:
        raise no_such_user()
    headers = NO_STORE | await ended(revocations, gone)
    return Response(None, status_code=204, headers=headers, cookies=cookies)


def _cookie(secret: str, seconds: int) -> Cookie:
    """The session's cookie. `Lax`: a link from another site opens the shop logged in, a form there sends no cookie."""
    return Cookie(
        key=SESSION_COOKIE, value=secret, path="/", max_age=seconds, secure=True, httponly=True, samesite="lax"
    )


def _no_such_session() -> Problem:
    return Problem(404, "no-such-session", "there is no such log-in, or it has ended")
