"""Creation of the users service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from services.users.access import Issuer
from services.users.admin import keep_ensuring
from services.users.api import ROUTES
from services.users.housekeeping import housekeeping
from services.users.settings import UsersSettings
from services.users.signing import SigningKeys
from services.users.store.accounts import Accounts
from services.users.store.api_keys import ApiKeys
from services.users.store.logins import Logins
from services.users.store.refresh import RefreshTokens
from stormglass import settings
from stormglass.data.cache import Cache
from stormglass.data.database import Database
from stormglass.data.redis import open_redis
from stormglass.security.passwords import password_fits
from stormglass.security.revocation import Revocations
from stormglass.service import create_service

_SHARED = ("accounts", "api_keys", "issuer", "logins", "profiles", "refresh_tokens", "revocations")
"""What handlers may ask for, by the name of their parameter."""


@asynccontextmanager
async def _resources(app: Litestar) -> AsyncIterator[None]:
    own = settings.read(UsersSettings)
    state = app.state
    async with (
        Database.open() as state.database,
        open_redis() as state.redis,
    ):
        state.accounts = Accounts(state.database)
        state.logins = Logins(state.database, own)
        state.refresh_tokens = RefreshTokens(state.database, own)
        state.api_keys = ApiKeys(state.database, own.keys_per_account)
        state.revocations = Revocations(state.redis)
        state.profiles = Cache(state.redis, "users", ttl=own.cache_seconds, stale=own.stale_seconds)
        keys = SigningKeys(settings.secrets_directory())
        state.issuer = Issuer(keys, own.token_seconds)
        # makes the hash that unknown accounts are compared with, or the first of them would take twice as long
        await password_fits(None, "")
        state.admin = asyncio.create_task(keep_ensuring(state.accounts), name="administrator's account")
        looking = asyncio.create_task(keys.run(), name="signing keys")
        try:
            async with housekeeping(state.database, state.revocations, own):
                yield
        finally:
            for task in (state.admin, looking):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


async def _database(state: State) -> None:
    await state.database.check()


async def _administrator(state: State) -> None:
    """Not ready before the administrator can log in."""
    await asyncio.shield(state.admin)


async def _redis(state: State) -> None:
    await state.redis.ping()


def _shared(name: str) -> Provide:
    async def provide(state: State) -> Any:
        return state[name]

    return Provide(provide)


def create_app() -> Litestar:
    """The users service; its environment is described in `stormglass.settings`."""
    return create_service(
        name="users",
        route_handlers=ROUTES,
        lifespan=[_resources],
        readiness={"postgres": _database, "administrator": _administrator},
        degraded_without={"redis": _redis},
        dependencies={name: _shared(name) for name in _SHARED},
        description="Accounts, log-ins of browsers and programs, API keys, and the keys that sign access tokens.",
    )
