"""Refresh tokens: each is good for one use, and a second use ends the log-in (RFC 9700, section 4.14.2)."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy.sql.selectable import ScalarSelect
from sqlmodel import col, select, update

from services.users.models import Account, Kind, Login, RefreshToken
from services.users.settings import UsersSettings
from services.users.store.ending import end
from stormglass.data.database import Database
from stormglass.security.opaque import digest


class Rotation(NamedTuple):
    """What became of a refresh token's log-in. `account` None: the token was used before, so the log-in is ended."""

    login: Login
    account: Account | None


class RefreshTokens:
    """The refresh tokens in the database."""

    def __init__(self, database: Database, settings: UsersSettings) -> None:
        self._database = database
        self._settings = settings

    async def rotate(self, secret: str, successor: str) -> Rotation | None:
        """Use a refresh token up and put `successor` in its place; None if it is unknown or its log-in has ended."""
        now = datetime.now(UTC)
        idle, _ = self._settings.lifetime(Kind.TOKEN)
        async with self._database.transaction() as session:
            # locked: logging out comes before this or after it, and the log-in before its tokens
            query = select(Login).where(col(Login.id) == _login_of(secret)).with_for_update()
            login = (await session.exec(query)).first()
            if login is None or not login.is_good(now):
                return None
            use = (
                update(RefreshToken)
                .where(col(RefreshToken.hash) == digest(secret), col(RefreshToken.used_at).is_(None))
                .values(used_at=now)
                .returning(col(RefreshToken.login_id))
            )
            if (await session.exec(use)).first() is None:
                login.revoked_at = now
                session.add(login)
                return Rotation(login, None)
            login.last_used_at = now
            login.expires_at = min(login.ends_at, now + timedelta(seconds=idle))
            session.add(login)
            session.add(
                RefreshToken(hash=digest(successor), login_id=login.id, created_at=now, expires_at=login.expires_at)
            )
            return Rotation(login, await session.get_one(Account, login.user_id))

    async def end(self, secret: str) -> list[uuid.UUID]:
        """End the log-in that a refresh token belongs to, used or not; its id if there was something to end."""
        async with self._database.transaction() as session:
            return await end(session, col(Login.id) == _login_of(secret))


def _login_of(secret: str) -> ScalarSelect[uuid.UUID]:
    return select(RefreshToken.login_id).where(col(RefreshToken.hash) == digest(secret)).scalar_subquery()
