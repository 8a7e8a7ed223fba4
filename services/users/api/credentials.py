"""The route by which gateways ask what stands behind a session or an API key; no client gets here."""

from collections.abc import Awaitable

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from services.users.access import scopes_of
from services.users.api.common import NO_STORE
from services.users.credential_schemas import Shown, Verified
from services.users.store.api_keys import ApiKeys
from services.users.store.logins import Logins
from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.security import revocation
from stormglass.security.identity import Identity
from stormglass.security.opaque import ApiKey
from stormglass.service import Problem
from stormglass.service.answers import problem_answers
from stormglass.service.caller import CALLER, require_service
from stormglass.telemetry.logs import logger

_log = logger(__name__)


@post(
    "/credentials/verify",
    status_code=200,
    dependencies=CALLER,
    response_headers=NO_STORE,
    responses=problem_answers(401, 403, 415, 503, s404="The credential is unknown, revoked or expired"),
)
async def verify(
    data: JSONBody[Shown],
    caller: NamedDependency[Identity],
    logins: NamedDependency[Logins],
    api_keys: NamedDependency[ApiKeys],
) -> Verified:
    """What stands behind a credential. That it is used is written down, at most once a minute."""
    require_service(caller, "gateway")
    verified = await (_session(data.secret, logins) if data.kind == "session" else _api_key(data.secret, api_keys))
    if verified is None:
        raise Problem(404, "no-such-credential", "the credential is not valid, or no longer")
    return verified


ROUTES = [verify]


async def _session(secret: str, logins: Logins) -> Verified | None:
    known = await logins.by_session(secret)
    if known is None:
        return None
    login, account = known
    await _if_possible(logins.touch(login))
    return Verified(
        subject=str(account.id),
        scopes=sorted(scopes_of(account)),
        credential=revocation.login(login.id),
        expires_at=int(login.expires_at.timestamp()),
    )


async def _api_key(secret: str, api_keys: ApiKeys) -> Verified | None:
    key = ApiKey.parse(secret)
    known = await api_keys.verify(key) if key else None
    if known is None:
        return None
    row, account = known
    await _if_possible(api_keys.touch(row))
    return Verified(
        subject=str(account.id),
        # what the account itself has lost, its keys have lost too
        scopes=sorted(scopes_of(account).intersection(row.scopes)),
        credential=revocation.api_key(row.id),
        expires_at=int(row.expires_at.timestamp()),
    )


async def _if_possible(touch: Awaitable[None]) -> None:
    """A database that can be read but not written must not log everybody out."""
    try:
        await touch
    except DependencyUnavailable as error:
        _log.warning("the use of a credential is not written down", reason=str(error))
