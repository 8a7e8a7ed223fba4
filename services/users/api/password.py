"""The route that changes a password."""

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from services.users.api.common import NO_STORE, ended, found, owner
from services.users.schemas import PasswordChange
from services.users.store.accounts import Accounts
from stormglass.security.identity import Identity
from stormglass.security.passwords import hash_password, password_fits
from stormglass.security.revocation import Revocations, login_id
from stormglass.service import Problem
from stormglass.service.answers import problem_answers
from stormglass.service.caller import CALLER


@post(
    "/users/me/password",
    status_code=204,
    dependencies=CALLER,
    responses=problem_answers(
        401, 404, 415, 503, s204="It is changed", s403="The scope is missing, or the current password is wrong"
    ),
)
async def change_password(
    data: JSONBody[PasswordChange],
    caller: NamedDependency[Identity],
    accounts: NamedDependency[Accounts],
    revocations: NamedDependency[Revocations],
) -> Response[None]:
    """Change the password; every other log-in of the account ends. API keys stay: they are listed and revoked apart."""
    account = found(await accounts.by_id(owner(caller, "account")))
    if not await password_fits(account.password_hash, data.current_password):
        raise _wrong_password()
    gone = await accounts.change_password(
        account, await hash_password(data.new_password), keep=login_id(caller.credential)
    )
    if gone is None:  # it was changed by somebody else meanwhile
        raise _wrong_password()
    return Response(None, status_code=204, headers=NO_STORE | await ended(revocations, gone))


ROUTES = [change_password]


def _wrong_password() -> Problem:
    return Problem(403, "wrong-password", "the current password is not this one")
