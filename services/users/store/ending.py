"""Ending log-ins, inside whichever transaction has a reason to."""

import uuid
from datetime import UTC, datetime

from sqlalchemy import ColumnElement
from sqlmodel import col, update
from sqlmodel.ext.asyncio.session import AsyncSession

from services.users.models import Login


async def end(session: AsyncSession, *which: ColumnElement[bool]) -> list[uuid.UUID]:
    """Revoke the log-ins that fit all of `which` and have not ended by themselves; their ids."""
    now = datetime.now(UTC)
    statement = (
        update(Login)
        .where(*which, col(Login.revoked_at).is_(None), col(Login.expires_at) > now)
        .values(revoked_at=now)
        .returning(col(Login.id))
    )
    return list((await session.exec(statement)).scalars())
