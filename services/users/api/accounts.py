"""Routes about accounts: registering, the own profile, and where mail to a user goes."""

import uuid
from typing import Any

import msgspec
from litestar import Request, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from services.users.admin import EMAIL as ADMIN_EMAIL
from services.users.api.common import found, owner
from services.users.models import Account
from services.users.schemas import Contact, Profile, Registration, Rename
from services.users.store.accounts import Accounts
from stormglass.data.cache import Cache
from stormglass.security.identity import Identity
from stormglass.security.passwords import hash_password
from stormglass.service import Problem
from stormglass.service.answers import json_answer, problem_answers
from stormglass.service.cached import cached_response
from stormglass.service.caller import CALLER, require_service


@post("/users", responses=problem_answers(415, 503, s409="The address has an account already"))
async def register(data: JSONBody[Registration], accounts: NamedDependency[Accounts]) -> Profile:
    """Register: make an account."""
    account = Account(email=data.email, name=data.name, password_hash=await hash_password(data.password))
    # the administrator's address is taken even before its account is made
    if data.email.lower() == ADMIN_EMAIL or not await accounts.add(account):
        raise Problem(409, "email-taken", "there is an account with this address: log in, or use another address")
    return _profile(account)


@get(
    "/users/me",
    dependencies=CALLER,
    responses={
        200: json_answer(Profile),
        **problem_answers(401, 403, 404, 503, s304="The client has this representation already"),
    },
)
async def me(
    request: Request[Any, Any, Any],
    caller: NamedDependency[Identity],
    accounts: NamedDependency[Accounts],
    profiles: NamedDependency[Cache],
) -> Response[bytes]:
    """The caller's own profile, through the cache; `X-Stormglass-Degraded: stale-cache` if the database failed."""
    user_id = owner(caller, "profile:read")

    async def load() -> bytes:
        return msgspec.json.encode(_profile(found(await accounts.by_id(user_id))))

    cached = await profiles.get(str(user_id), load)
    return cached_response(request, cached, cache="users", cache_control="private, no-cache")


@patch("/users/me", dependencies=CALLER, responses=problem_answers(401, 403, 404, 415, 503))
async def rename(
    data: JSONBody[Rename],
    caller: NamedDependency[Identity],
    accounts: NamedDependency[Accounts],
    profiles: NamedDependency[Cache],
) -> Profile:
    """Change the caller's own name."""
    account = found(await accounts.rename(owner(caller, "profile:write"), data.name))
    await profiles.forget(str(account.id))
    return _profile(account)


@get("/users/{user_id:uuid}/contact", dependencies=CALLER, responses=problem_answers(401, 403, 404, 503))
async def contact(
    user_id: FromPath[uuid.UUID], caller: NamedDependency[Identity], accounts: NamedDependency[Accounts]
) -> Contact:
    """Where mail to a user goes: for the platform's own processes only."""
    require_service(caller)
    account = found(await accounts.by_id(user_id))
    return Contact(email=account.email, name=account.name)


ROUTES = [register, me, rename, contact]


def _profile(account: Account) -> Profile:
    return Profile(id=account.id, email=account.email, name=account.name, created_at=account.created_at)
