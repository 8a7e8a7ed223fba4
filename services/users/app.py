"""Creation of the users service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from services.users.access import Issuer
from services.users.admin import keep_ensuring
from services.users.api import ROUTES
from services.users.settings import UsersSettings
from services.users.store import Accounts
from stormglass import settings
from stormglass.data.cache import Cache
from stormglass.data.database import Database
from stormglass.data.redis import open_redis
from stormglass.security.passwords import password_fits
from stormglass.security.tokens import SigningKey
from stormglass.service import create_service


@asynccontextmanager
async def _resources(app: Litestar) -> AsyncIterator[None]:
    own = settings.read(UsersSettings)
    async with Database.open() as database, open_redis() as redis:
        app.state.database = database
        app.state.redis = redis
        app.state.accounts = Accounts(database)
        app.state.profiles = Cache(redis, "users", ttl=own.cache_seconds, stale=own.stale_seconds)
        app.state.issuer = Issuer(SigningKey(settings.secret("signing_key")), own.token_seconds)
        # makes the hash that unknown accounts are compared with, or the first of them would take twice as long
        await password_fits(None, "")
        app.state.admin = asyncio.create_task(keep_ensuring(app.state.accounts), name="administrator's account")
        try:
            yield
        finally:
            app.state.admin.cancel()
            with suppress(asyncio.CancelledError):
                await app.state.admin


async def _database(state: State) -> None:
    await state.database.check()


async def _administrator(state: State) -> None:
    """Not ready before the administrator can log in."""
    await asyncio.shield(state.admin)


async def _redis(state: State) -> None:
    await state.redis.ping()


async def _accounts(state: State) -> Accounts:
    accounts: Accounts = state.accounts
    return accounts


async def _profiles(state: State) -> Cache:
    profiles: Cache = state.profiles
    return profiles


async def _issuer(state: State) -> Issuer:
    issuer: Issuer = state.issuer
    return issuer


def create_app() -> Litestar:
    """The users service; its environment is described in `stormglass.settings`."""
    return create_service(
        name="users",
        route_handlers=ROUTES,
        lifespan=[_resources],
        readiness={"postgres": _database, "administrator": _administrator},
        degraded_without={"redis": _redis},
        dependencies={
            "accounts": Provide(_accounts),
            "profiles": Provide(_profiles),
            "issuer": Provide(_issuer),
        },
        description="Accounts, log-in (argon2id), access tokens (EdDSA) and the keys that verify them.",
    )
