"""Log-ins of both kinds: opened, used, listed, ended."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from services.users.models import Account, Kind, Login, RefreshToken
from services.users.settings import UsersSettings
from services.users.store.ending import end
from stormglass.data.database import Database
from stormglass.security.opaque import digest

TOUCH = timedelta(seconds=60)
"""A use is written down if the one before was longer ago: one write a minute at most, however many verifications."""


class Opened(NamedTuple):
    """A new log-in, and those that ended for it."""

    login: Login
    ended: list[uuid.UUID]


class Logins:
    """The log-ins in the database."""

    def __init__(self, database: Database, settings: UsersSettings) -> None:
        self._database = database
        self._settings = settings

    async def open(
        self, account: Account, kind: Kind, secret: str, *, replacing: uuid.UUID | None = None
    ) -> Opened | None:
        """Open a log-in for somebody who proved to own `account`; the browser session `replacing` ends.

        None if the password was changed since `account` was read.
        """
        now = datetime.now(UTC)
        idle, longest = self._settings.lifetime(kind)
        login = Login(
            user_id=account.id,
            kind=kind,
            secret_hash=digest(secret) if kind is Kind.BROWSER else None,
            created_at=now,
            last_used_at=now,
            expires_at=now + timedelta(seconds=min(idle, longest)),
            ends_at=now + timedelta(seconds=longest),
        )
        async with self._database.transaction() as session:
            unchanged = select(Account.id).where(
                col(Account.id) == account.id, col(Account.password_hash) == account.password_hash
            )
            # locked: this and a change of the password come one after the other
            if (await session.exec(unchanged.with_for_update(key_share=True))).first() is None:
                return None
            session.add(login)
            await session.flush()
            if kind is Kind.TOKEN:
                session.add(
                    RefreshToken(hash=digest(secret), login_id=login.id, created_at=now, expires_at=login.expires_at)
                )
            return Opened(login, await self._make_room(session, login, replacing))

    async def by_session(self, secret: str) -> tuple[Login, Account] | None:
        """The browser session with this secret and whose it is, if it is good."""
        query = (
            select(Login, Account)
            .join(Account, col(Account.id) == col(Login.user_id))
            .where(col(Login.secret_hash) == digest(secret))
        )
        async with self._database.session() as session:
            found = (await session.exec(query)).first()
        return (found[0], found[1]) if found and found[0].is_good(datetime.now(UTC)) else None

    async def touch(self, login: Login) -> None:
        """Write down that a browser session is used, which moves its end on; at most once a minute."""
        now = datetime.now(UTC)
        if now - login.last_used_at < TOUCH:
            return
        expires = min(login.ends_at, now + timedelta(seconds=self._settings.session_idle_seconds))
        statement = (
            update(Login)
            .where(col(Login.id) == login.id, col(Login.last_used_at) == login.last_used_at)
            .values(last_used_at=now, expires_at=expires)
        )
        async with self._database.transaction() as session:
            await session.exec(statement)
        login.last_used_at, login.expires_at = now, expires

    async def of_user(self, user_id: uuid.UUID) -> list[Login]:
        """The good log-ins of a user, the last used first."""
        order = col(Login.last_used_at).desc(), col(Login.id)
        query = select(Login).where(*_good(user_id, datetime.now(UTC))).order_by(*order)
        async with self._database.session() as session:
            return list(await session.exec(query))

    async def end(self, user_id: uuid.UUID, login_id: uuid.UUID) -> bool:
        """End one log-in of a user's; False if there is none such."""
        async with self._database.transaction() as session:
            return bool(await end(session, col(Login.id) == login_id, col(Login.user_id) == user_id))

    async def end_all(self, user_id: uuid.UUID) -> list[uuid.UUID] | None:
        """End every log-in of a user; those that ended, None if there is no such user."""
        async with self._database.transaction() as session:
            known = select(Account.id).where(col(Account.id) == user_id)
            if (await session.exec(known.with_for_update(key_share=True))).first() is None:
                return None
            return await end(session, col(Login.user_id) == user_id)

    async def _make_room(self, session: AsyncSession, login: Login, replacing: uuid.UUID | None) -> list[uuid.UUID]:
        """End `replacing`, and of the user's log-ins those beyond the number that an account may have."""
        surplus = (
            select(Login.id)
            .where(*_good(login.user_id, login.created_at))
            .order_by(col(Login.last_used_at).desc())
            .offset(self._settings.logins_per_account)
        )
        ended = await end(session, col(Login.id).in_(surplus))
        if replacing is not None:
            ended += await end(session, col(Login.id) == replacing, col(Login.kind) == Kind.BROWSER)
        return ended


def _good(user_id: uuid.UUID, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (col(Login.user_id) == user_id, col(Login.revoked_at).is_(None), col(Login.expires_at) > now)
