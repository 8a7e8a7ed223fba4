"""Accounts."""

import uuid

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update

from services.users.models import Account, Login
from services.users.store.ending import end
from stormglass.data.database import Database

_SAME_ADDRESS = [text("lower(email)")]


class Accounts:
    """The accounts in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, account: Account) -> bool:
        """Store a new account; False if its address has one already, also if that came at the same moment."""
        statement = (
            insert(Account)
            .values(account.model_dump())
            .on_conflict_do_nothing(index_elements=_SAME_ADDRESS)
            .returning(col(Account.id))
        )
        async with self._database.transaction() as session:
            return (await session.exec(statement)).first() is not None

    async def put_admin(self, account: Account) -> None:
        """Store the administrator's account, or bring the one with this address into line with it."""
        values = account.model_dump()
        statement = insert(Account).values(values)
        statement = statement.on_conflict_do_update(
            index_elements=_SAME_ADDRESS, set_={"password_hash": account.password_hash, "is_admin": True}
        )
        async with self._database.transaction() as session:
            await session.exec(statement)

    async def by_email(self, email: str) -> Account | None:
        """The account with this address, in whatever case it is written."""
        async with self._database.session() as session:
            found = await session.exec(select(Account).where(func.lower(Account.email) == email.lower()))
            return found.first()

    async def by_id(self, user_id: uuid.UUID) -> Account | None:
        """The account with this id."""
        async with self._database.session() as session:
            return await session.get(Account, user_id)

    async def rename(self, user_id: uuid.UUID, name: str) -> Account | None:
        """Change an account's name; the account as it is now, None if there is none."""
        statement = update(Account).where(col(Account.id) == user_id).values(name=name).returning(Account)
        async with self._database.transaction() as session:
            return (await session.exec(statement)).scalar_one_or_none()

    async def change_password(
        self, account: Account, password_hash: str, *, keep: uuid.UUID | None
    ) -> list[uuid.UUID] | None:
        """Change the password and end every log-in but `keep`.

        Returns the log-ins that ended; None if the password is no longer the one `account` was read with.
        """
        statement = (
            update(Account)
            .where(col(Account.id) == account.id, col(Account.password_hash) == account.password_hash)
            .values(password_hash=password_hash)
            .returning(col(Account.id))
        )
        async with self._database.transaction() as session:
            if (await session.exec(statement)).first() is None:
                return None
            return await end(session, col(Login.user_id) == account.id, col(Login.id).is_distinct_from(keep))
