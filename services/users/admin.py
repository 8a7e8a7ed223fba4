"""The administrator's account: its password is the secret `admin_password`, whatever it was before."""

import asyncio

from sqlalchemy.exc import SQLAlchemyError

from services.users.models import Account
from services.users.store.accounts import Accounts
from stormglass import settings
from stormglass.resilience.backoff import backoff
from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.security.passwords import hash_password, password_fits
from stormglass.telemetry.logs import logger

EMAIL = "admin@stormglass.local"

_log = logger(__name__)


async def ensure_admin(accounts: Accounts) -> None:
    """Make the administrator's account, or give it the password of the secret; nothing if it fits already."""
    password = settings.secret("admin_password").get_secret_value()
    known = await accounts.by_email(EMAIL)
    if known is not None and known.is_admin and await password_fits(known.password_hash, password):
        return
    encoded = await hash_password(password)
    await accounts.put_admin(Account(email=EMAIL, name="Administrator", password_hash=encoded, is_admin=True))
    _log.info("administrator's account is up to date")


async def keep_ensuring(accounts: Accounts) -> None:
    """`ensure_admin()`, as often as it takes: a database that is late must not keep the process from starting."""
    attempt = 0
    while True:
        attempt += 1
        try:
            return await ensure_admin(accounts)
        except (DependencyUnavailable, SQLAlchemyError) as error:
            # the second while the tables, or the right to them, are still being made
            _log.warning("administrator's account not checked yet", attempt=attempt, reason=str(error))
            await asyncio.sleep(0.2 + backoff(attempt, cap=5.0))
