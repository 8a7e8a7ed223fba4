"""What happens between reading and writing: each test holds a transaction open until the other one waits for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.users.models import Account, ApiKeyRow, Kind
from services.users.settings import UsersSettings
from services.users.store.accounts import Accounts
from services.users.store.api_keys import ApiKeys
from services.users.store.logins import Logins
from stormglass.data.database import Database
from stormglass.security.opaque import ApiKey, digest, new_secret
from tests.integration.users.person import Person

T = TypeVar("T")


@asynccontextmanager
async def held(database: Database, statement: str, **values: object) -> AsyncIterator[AsyncConnection]:
    """A transaction that has done this, and is committed at the end of the block."""
    async with database.engine.begin() as connection:
        await connection.execute(text(statement), values)
        yield connection


async def waits(database: Database, what: Awaitable[T]) -> "asyncio.Task[T]":
    """`what`, begun, and waiting for somebody else's lock."""
    task = asyncio.ensure_future(what)
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(20):
        while True:
            assert not task.done(), f"it did not wait: {task}"
            async with database.engine.connect() as connection:
                if (await connection.execute(waiting)).scalar_one():
                    return task
            await asyncio.sleep(0.02)


async def account_of(ada: Person, database: Database) -> Account:
    account = await Accounts(database).by_email(ada.email)
    assert account is not None
    return account


def new_key(account: Account) -> ApiKeyRow:
    key = ApiKey.new()
    return ApiKeyRow(
        user_id=account.id,
        name="k",
        prefix=key.prefix,
        secret_hash=digest(key.secret),
        scopes=["orders:read"],
        expires_at=datetime.now(UTC) + timedelta(days=1),
    )


async def test_a_password_that_was_changed_after_it_was_checked_opens_nothing(ada: Person, database: Database) -> None:
    logins, account = Logins(database, UsersSettings()), await account_of(ada, database)
    assert await logins.open(account, Kind.TOKEN, new_secret())
    assert await Accounts(database).change_password(account, "another hash", keep=None)
    for kind in Kind:
        assert await logins.open(account, kind, new_secret()) is None
    assert await logins.of_user(account.id) == []


async def test_a_log_in_waits_for_a_change_of_the_password(ada: Person, database: Database) -> None:
    logins, account = Logins(database, UsersSettings()), await account_of(ada, database)
    change = "UPDATE account SET password_hash = 'another hash' WHERE id = :id"
    async with held(database, change, id=account.id):
        opening = await waits(database, logins.open(account, Kind.TOKEN, new_secret()))
    assert await opening is None


async def test_who_makes_the_last_key_is_waited_for(ada: Person, database: Database) -> None:
    keys, account = ApiKeys(database, most=1), await account_of(ada, database)
    lock = "SELECT 1 FROM account WHERE id = :id FOR NO KEY UPDATE"
    async with held(database, lock, id=account.id) as connection:
        making = await waits(database, keys.add(new_key(account)))
        row = new_key(account).model_dump()
        columns = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        await connection.execute(text(f"INSERT INTO api_key ({columns}) VALUES ({values})"), row)
    assert await making is False
    assert len(await keys.of_user(account.id)) == 1


async def test_refreshing_waits_for_a_log_out(ada: Person, database: Database) -> None:
    tokens = await ada.tokens()
    log_out = "UPDATE login SET revoked_at = now() WHERE user_id = :id"
    async with held(database, log_out, id=ada.id):
        refreshing = await waits(database, ada.refresh(tokens["refresh_token"]))
    assert (await refreshing).problem == "invalid-refresh-token"
