"""A database that a test takes away from its own connections, at once and for exactly as long as a block runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import create_async_engine

from stormglass.data.database import Database
from stormglass.runtime.provision import connect
from stormglass.testing import Platform

PATIENCE_MS = 2000
"""Long for a statement that is to succeed, short for one that waits for a lock."""


@asynccontextmanager
async def impatient(platform: Platform, service: str) -> AsyncIterator[Database]:
    """A service's own database, asked as that service, by somebody who gives up soon."""
    host, _, port = platform.address("postgres").rpartition(":")
    password = platform.secret(service, "database_password")
    engine = create_async_engine(
        f"postgresql+asyncpg://{service}:{password}@{host}:{port}/{service}",
        pool_size=2,
        max_overflow=0,
        connect_args={"server_settings": {"statement_timeout": str(PATIENCE_MS)}},
    )
    try:
        yield Database(engine)
    finally:
        await engine.dispose()


@asynccontextmanager
async def locked(platform: Platform, database: str, table: str) -> AsyncIterator[None]:
    """Nobody reads the table meanwhile: who asks, waits until they give up."""
    connection = await connect(platform.instance, database=database)
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


@asynccontextmanager
async def missing(platform: Platform, database: str, table: str) -> AsyncIterator[None]:
    """There is no such table meanwhile: who asks is told so at once."""
    connection = await connect(platform.instance, database=database)
    try:
        await connection.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
        try:
            yield
        finally:
            await connection.execute(f"ALTER TABLE {table}_away RENAME TO {table}")
    finally:
        await connection.close()
