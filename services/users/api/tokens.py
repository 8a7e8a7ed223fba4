"""Routes for programs: log in for an access token and a refresh token, refresh, log out."""

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from services.users.access import Issuer
from services.users.api.common import CHALLENGE, NO_STORE, ended, invalid_credentials, proved
from services.users.credential_schemas import RefreshRequest, Token
from services.users.models import Kind
from services.users.schemas import Credentials
from services.users.store.accounts import Accounts
from services.users.store.logins import Logins
from services.users.store.refresh import RefreshTokens
from stormglass.security.opaque import new_secret
from stormglass.security.revocation import Revocations
from stormglass.service import Problem
from stormglass.service.answers import problem_answers
from stormglass.telemetry.logs import logger

_log = logger(__name__)


@post(
    "/tokens",
    status_code=200,
    responses=problem_answers(415, 503, s401="No account fits the address and the password"),
)
async def log_in(
    data: JSONBody[Credentials],
    accounts: NamedDependency[Accounts],
    logins: NamedDependency[Logins],
    issuer: NamedDependency[Issuer],
    revocations: NamedDependency[Revocations],
) -> Response[Token]:
    """Log in: an access token and a refresh token for an address and its password."""
    account = await proved(accounts, data)
    secret = new_secret()
    opened = await logins.open(account, Kind.TOKEN, secret)
    if opened is None:
        raise invalid_credentials()
    headers = await ended(revocations, opened.ended)
    return Response(issuer.token_for(account, opened.login, secret), headers=NO_STORE | headers)


@post(
    "/tokens/refresh",
    status_code=200,
    responses=problem_answers(415, 503, s401="The refresh token is unknown, used, revoked or expired"),
)
async def refresh(
    data: JSONBody[RefreshRequest],
    refresh_tokens: NamedDependency[RefreshTokens],
    issuer: NamedDependency[Issuer],
    revocations: NamedDependency[Revocations],
) -> Response[Token]:
    """New tokens for a refresh token, which is used up by it; one that is used twice ends its log-in."""
    successor = new_secret()
    rotation = await refresh_tokens.rotate(data.refresh_token, successor)
    if rotation is None:
        raise _invalid_refresh_token({})
    login, account = rotation
    if account is None:
        # either the thief or the owner came second, and nobody can tell which
        _log.warning("a refresh token was used twice: its log-in is revoked", login_id=str(login.id))
        raise _invalid_refresh_token(await ended(revocations, [login.id]))
    return Response(issuer.token_for(account, login, successor), headers=NO_STORE)


@post("/tokens/revoke", status_code=204, responses=problem_answers(415, 503, s204="Whatever it was, it is not valid"))
async def revoke(
    data: JSONBody[RefreshRequest],
    refresh_tokens: NamedDependency[RefreshTokens],
    revocations: NamedDependency[Revocations],
) -> Response[None]:
    """Log out: end the log-in of a refresh token, with its access tokens. 204 for unknown ones too (RFC 7009)."""
    headers = await ended(revocations, await refresh_tokens.end(data.refresh_token))
    return Response(None, status_code=204, headers=NO_STORE | headers)


ROUTES = [log_in, refresh, revoke]


def _invalid_refresh_token(headers: dict[str, str]) -> Problem:
    return Problem(401, "invalid-refresh-token", "the refresh token is not valid: log in", headers=CHALLENGE | headers)
