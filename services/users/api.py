"""Routes of the users service."""

import uuid
from typing import Any

import msgspec
from litestar import Request, Response, get, patch, post
from litestar.params import FromPath

from services.users.access import Issuer
from services.users.admin import EMAIL as ADMIN_EMAIL
from services.users.models import Account
from services.users.schemas import Contact, Credentials, KeySet, Profile, Registration, Rename, Token
from services.users.store import Accounts
from stormglass.data.cache import Cache
from stormglass.security.identity import Identity
from stormglass.security.passwords import hash_password, password_fits
from stormglass.service import Problem
from stormglass.service.answers import problem_answers
from stormglass.service.cached import cached_response
from stormglass.service.caller import CALLER, require_scope, require_service

NO_STORE = {"Cache-Control": "no-store"}


@post("/users", responses=problem_answers(400, 503, s409="The address has an account already"))
async def register(data: Registration, accounts: Accounts) -> Profile:
    """Register: make an account."""
    account = Account(email=data.email, name=data.name, password_hash=await hash_password(data.password))
    # the administrator's address is taken even before its account is made
    if data.email.lower() == ADMIN_EMAIL or not await accounts.add(account):
        raise Problem(409, "email-taken", "there is an account with this address: log in, or use another address")
    return _profile(account)


@post(
    "/tokens",
    status_code=200,
    response_headers=NO_STORE,
    responses=problem_answers(400, 503, s401="No account fits the address and the password"),
)
async def log_in(data: Credentials, accounts: Accounts, issuer: Issuer) -> Token:
    """Log in: an access token for an address and its password."""
    account = await accounts.by_email(data.email)
    # asked without an account too, so that neither text nor time tells whether there is one
    fits = await password_fits(account.password_hash if account else None, data.password)
    if account is None or not fits:
        detail = "the address or the password is wrong"
        raise Problem(401, "invalid-credentials", detail, headers={"WWW-Authenticate": 'Bearer realm="stormglass"'})
    return issuer.token_for(account)


@get(
    "/users/me",
    dependencies=CALLER,
    responses=problem_answers(401, 403, 404, 503, s304="The client has this representation already"),
)
async def me(request: Request[Any, Any, Any], caller: Identity, accounts: Accounts, profiles: Cache) -> Response[bytes]:
    """The caller's own profile, through the cache; `X-Stormglass-Degraded: stale-cache` if the database failed."""
    require_scope(caller, "profile:read")
    user_id = _user_id(caller)

    async def load() -> bytes:
        return msgspec.json.encode(_profile(_found(await accounts.by_id(user_id))))

    cached = await profiles.get(str(user_id), load)
    return cached_response(request, cached, cache="users", cache_control="private, no-cache")


@patch("/users/me", dependencies=CALLER, responses=problem_answers(400, 401, 403, 404, 503))
async def rename(data: Rename, caller: Identity, accounts: Accounts, profiles: Cache) -> Profile:
    """Change the caller's own name."""
    require_scope(caller, "profile:write")
    account = _found(await accounts.rename(_user_id(caller), data.name))
    await profiles.forget(str(account.id))
    return _profile(account)


@get("/users/{user_id:uuid}/contact", dependencies=CALLER, responses=problem_answers(401, 403, 404, 503))
async def contact(user_id: FromPath[uuid.UUID], caller: Identity, accounts: Accounts) -> Contact:
    """Where mail to a user goes: for the platform's own processes only."""
    require_service(caller)
    account = _found(await accounts.by_id(user_id))
    return Contact(email=account.email, name=account.name)


@get("/.well-known/jwks.json", response_headers={"Cache-Control": "public, max-age=300"})
async def jwks(issuer: Issuer) -> KeySet:
    """The public keys that access tokens are verified with."""
    return issuer.key_set


ROUTES = [register, log_in, me, rename, contact, jwks]


def _user_id(caller: Identity) -> uuid.UUID:
    try:
        return uuid.UUID(caller.subject)
    except ValueError:
        raise Problem(403, "forbidden", "this is for users, about their own account") from None


def _found(account: Account | None) -> Account:
    if account is None:
        raise Problem(404, "no-such-user", "there is no such account")
    return account


def _profile(account: Account) -> Profile:
    return Profile(id=account.id, email=account.email, name=account.name, created_at=account.created_at)
