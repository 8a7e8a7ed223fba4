"""What the routes share: whose account a request is about, and what an answer has to say of a revocation."""

import uuid
from collections.abc import Iterable

from services.users.models import Account
from services.users.schemas import Credentials
from services.users.store.accounts import Accounts
from stormglass.security import revocation
from stormglass.security.identity import Identity
from stormglass.security.passwords import password_fits
from stormglass.security.revocation import Revocations
from stormglass.service import Problem
from stormglass.service.cached import DEGRADED
from stormglass.service.caller import require_scope

NO_STORE = {"Cache-Control": "no-store"}
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="stormglass"'}


def owner(caller: Identity, scope: str) -> uuid.UUID:
    """The user who calls, about the own account; 403 for anybody else and without `scope`."""
    require_scope(caller, scope)
    try:
        return uuid.UUID(caller.subject)
    except ValueError:
        raise Problem(403, "forbidden", "this is for users, about their own account") from None


def found(account: Account | None) -> Account:
    """The account; 404 if there is none."""
    if account is None:
        raise no_such_user()
    return account


def no_such_user() -> Problem:
    """404 about an account."""
    return Problem(404, "no-such-user", "there is no such account")


async def proved(accounts: Accounts, shown: Credentials) -> Account:
    """The account that an address and a password prove; 401, whichever of them is wrong."""
    account = await accounts.by_email(shown.email)
    # asked without an account too, so that neither text nor time tells whether there is one
    fits = await password_fits(account.password_hash if account else None, shown.password)
    if account is None or not fits:
        raise invalid_credentials()
    return account


def invalid_credentials() -> Problem:
    """One text for everything that can be wrong with a log-in."""
    return Problem(401, "invalid-credentials", "the address or the password is wrong", headers=CHALLENGE)


async def ended(revocations: Revocations, logins: Iterable[uuid.UUID]) -> dict[str, str]:
    """Tell the gateways that log-ins have ended; header fields for the answer."""
    return await announced(revocations, *map(revocation.login, logins))


async def announced(revocations: Revocations, *credentials: str) -> dict[str, str]:
    """Tell the gateways of revocations that are committed; header fields for the answer."""
    return {} if await revocations.revoke(*credentials) else {DEGRADED: revocation.DELAYED}
