"""What ended: told for a while, then deleted."""

from sqlalchemy import text

from stormglass.data.database import Database
from stormglass.security import revocation

ROWS = 500
"""Rows that one transaction deletes, so that none holds locks for long."""

TELL = 10_000
"""The latest revocations that are told again: what a hundred users do who log out everywhere at once."""

KEPT_SECONDS = 3600
"""How long what has ended is kept: a refresh token that is used again is recognised meanwhile, and a revocation is told
for as long as anybody may believe in the credential."""

_REVOKED = f"""
    SELECT 'login:' || id AS credential, revoked_at FROM login
    WHERE revoked_at > now() - make_interval(secs => {revocation.SECONDS})
    UNION ALL
    SELECT 'key:' || id, revoked_at FROM api_key
    WHERE revoked_at > now() - make_interval(secs => {revocation.SECONDS})
    ORDER BY revoked_at DESC LIMIT {TELL}
"""  # noqa: S608 - two numbers of our own

_SWEEPS = tuple(
    f"""
    DELETE FROM {table} WHERE {key} IN (
        SELECT {key} FROM {table} WHERE {ended} < now() - make_interval(secs => {KEPT_SECONDS})
        LIMIT {ROWS} FOR UPDATE SKIP LOCKED)
    """  # noqa: S608 - names and numbers of our own
    for table, key, ended in (
        ("refresh_token", "hash", "expires_at"),
        ("login", "id", "expires_at"),
        ("login", "id", "revoked_at"),
        ("api_key", "id", "expires_at"),
        ("api_key", "id", "revoked_at"),
    )
)


async def revoked_of_late(database: Database) -> list[str]:
    """The credentials that were revoked so recently that a gateway may still believe in them, the latest first."""
    async with database.session() as session:
        connection = await session.connection()
        return list((await connection.execute(text(_REVOKED))).scalars())


async def sweep(database: Database) -> int:
    """Delete log-ins, refresh tokens and API keys that ended long ago; how many.

    Not counted are the refresh tokens that go with their log-in.
    """
    deleted = 0
    for statement in _SWEEPS:
        rows = ROWS
        while rows == ROWS:
            async with database.transaction() as session:
                connection = await session.connection()
                rows = (await connection.execute(text(statement))).rowcount
            deleted += rows
    return deleted
