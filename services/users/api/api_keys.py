"""Routes about API keys: make one, list them, revoke one."""

import uuid
from datetime import UTC, datetime, timedelta

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from services.users.api.common import NO_STORE, announced, no_such_user, owner
from services.users.credential_schemas import ApiKeyList, ApiKeyMade, ApiKeyView, NewApiKey
from services.users.models import ApiKeyRow
from services.users.store.api_keys import ApiKeys
from stormglass.security import revocation
from stormglass.security.identity import Identity
from stormglass.security.opaque import ApiKey, digest
from stormglass.security.revocation import Revocations
from stormglass.service import Problem
from stormglass.service.answers import problem_answers
from stormglass.service.caller import CALLER


@post(
    "/api-keys",
    dependencies=CALLER,
    response_headers=NO_STORE,
    responses=problem_answers(
        401,
        404,
        415,
        503,
        s403="The caller lacks a scope: the one for this, or one that the key should have",
        s409="The account has as many keys as it may have",
    ),
)
async def make(
    data: JSONBody[NewApiKey], caller: NamedDependency[Identity], api_keys: NamedDependency[ApiKeys]
) -> ApiKeyMade:
    """Make an API key with some of the caller's own scopes. The key is told in this answer only."""
    user_id = owner(caller, "account")
    if beyond := set(data.scopes) - caller.scopes:
        detail = f"a key cannot have scopes that its maker lacks: {' '.join(sorted(beyond))}"
        raise Problem(403, "insufficient-scope", detail)
    key = ApiKey.new()
    row = ApiKeyRow(
        user_id=user_id,
        name=data.name,
        prefix=key.prefix,
        secret_hash=digest(key.secret),
        scopes=sorted(set(data.scopes)),
        expires_at=datetime.now(UTC) + timedelta(days=data.expires_in_days),
    )
    added = await api_keys.add(row)
    if added is None:
        raise no_such_user()
    if not added:
        raise Problem(409, "too-many-keys", "the account has as many API keys as it may have: revoke one")
    return ApiKeyMade(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        scopes=row.scopes,
        created_at=row.created_at,
        expires_at=row.expires_at,
        key=str(key),
    )


@get("/api-keys", dependencies=CALLER, response_headers=NO_STORE, responses=problem_answers(401, 403, 503))
async def own(caller: NamedDependency[Identity], api_keys: NamedDependency[ApiKeys]) -> ApiKeyList:
    """The caller's API keys, without their secrets. `last_used_at` is exact to a minute or so."""
    return ApiKeyList(items=[ApiKeyView.of(row) for row in await api_keys.of_user(owner(caller, "account"))])


@delete(
    "/api-keys/{key_id:uuid}",
    dependencies=CALLER,
    responses=problem_answers(401, 403, 404, 503, s204="It is revoked"),
)
async def revoke(
    key_id: FromPath[uuid.UUID],
    caller: NamedDependency[Identity],
    api_keys: NamedDependency[ApiKeys],
    revocations: NamedDependency[Revocations],
) -> Response[None]:
    """Revoke one of the caller's API keys."""
    if not await api_keys.revoke(owner(caller, "account"), key_id):
        raise Problem(404, "no-such-key", "there is no such API key, or it has ended")
    headers = NO_STORE | await announced(revocations, revocation.api_key(key_id))
    return Response(None, status_code=204, headers=headers)


ROUTES = [make, own, revoke]
