"""API keys: made, verified, listed, revoked."""

import hmac
import uuid
from datetime import UTC, datetime

from sqlalchemy import ColumnElement
from sqlmodel import col, func, select, update

from services.users.models import Account, ApiKeyRow
from services.users.store.logins import TOUCH
from stormglass.data.database import Database
from stormglass.security.opaque import ApiKey, digest


class ApiKeys:
    """The API keys in the database; `most` is how many an account may have."""

    def __init__(self, database: Database, most: int) -> None:
        self._database = database
        self._most = most

    async def add(self, row: ApiKeyRow) -> bool | None:
        """Store a new key; False if the account has as many as it may, None if there is no such account."""
        async with self._database.transaction() as session:
            # locked: two who count at the same time would both find room for the last one
            known = select(Account.id).where(col(Account.id) == row.user_id).with_for_update(key_share=True)
            if (await session.exec(known)).first() is None:
                return None
            count = select(func.count()).select_from(ApiKeyRow).where(*_good(row.user_id))
            if (await session.exec(count)).one() >= self._most:
                return False
            session.add(row)
        return True

    async def of_user(self, user_id: uuid.UUID) -> list[ApiKeyRow]:
        """The good keys of a user, the newest first."""
        query = select(ApiKeyRow).where(*_good(user_id)).order_by(col(ApiKeyRow.created_at).desc(), col(ApiKeyRow.id))
        async with self._database.session() as session:
            return list(await session.exec(query))

    async def verify(self, key: ApiKey) -> tuple[ApiKeyRow, Account] | None:
        """The stored key and whose it is, if it is good."""
        query = (
            select(ApiKeyRow, Account)
            .join(Account, col(Account.id) == col(ApiKeyRow.user_id))
            .where(col(ApiKeyRow.prefix) == key.prefix)
        )
        async with self._database.session() as session:
            found = (await session.exec(query)).first()
        if found is None:
            return None
        row, account = found
        fits = hmac.compare_digest(row.secret_hash, digest(key.secret))
        return (row, account) if fits and row.revoked_at is None and row.expires_at > datetime.now(UTC) else None

    async def touch(self, row: ApiKeyRow) -> None:
        """Write down that a key is used; at most once a minute."""
        now = datetime.now(UTC)
        if row.last_used_at is not None and now - row.last_used_at < TOUCH:
            return
        async with self._database.transaction() as session:
            await session.exec(update(ApiKeyRow).where(col(ApiKeyRow.id) == row.id).values(last_used_at=now))

    async def revoke(self, user_id: uuid.UUID, key_id: uuid.UUID) -> bool:
        """Revoke one key of a user's; False if there is none such."""
        statement = (
            update(ApiKeyRow)
            .where(col(ApiKeyRow.id) == key_id, *_good(user_id))
            .values(revoked_at=datetime.now(UTC))
            .returning(col(ApiKeyRow.id))
        )
        async with self._database.transaction() as session:
            return (await session.exec(statement)).first() is not None


def _good(user_id: uuid.UUID) -> tuple[ColumnElement[bool], ...]:
    return (
        col(ApiKeyRow.user_id) == user_id,
        col(ApiKeyRow.revoked_at).is_(None),
        col(ApiKeyRow.expires_at) > datetime.now(UTC),
    )
