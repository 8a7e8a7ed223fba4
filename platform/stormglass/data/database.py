"""A service's own database: SQLModel sessions over asyncpg, bounded in number and time, traced and measured."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from stormglass import settings
from stormglass.telemetry import names


def database_url(name: str, *, user: str | None = None) -> URL:
    """URL of the database `name` over this process' edge to Postgres, as its own role unless `user` says otherwise."""
    address = settings.address("postgres")
    return URL.create(
        "postgresql+asyncpg",
        username=user or settings.process().service,
        password=settings.secret("database_password").get_secret_value(),
        host=address.host,
        port=address.port,
        database=name,
    )


class Database:
    """Sessions of one database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)

    @classmethod
    @asynccontextmanager
    async def open(cls, name: str | None = None) -> AsyncIterator[Self]:
        """The database `name` (this service's own where None), its pool closed at the end of the block."""
        wanted = settings.database()
        engine = create_async_engine(
            database_url(name or settings.process().service),
            pool_size=wanted.pool_size,
            max_overflow=wanted.pool_overflow,
            pool_timeout=wanted.pool_timeout_seconds,
            # a connection that died while it was idle is replaced instead of failing a request
            pool_pre_ping=True,
            connect_args={
                "timeout": wanted.connect_timeout_seconds,
                "command_timeout": wanted.statement_timeout_seconds,
                "server_settings": {
                    "application_name": settings.process().name,
                    "statement_timeout": str(int(wanted.statement_timeout_seconds * 1000)),
                    "idle_in_transaction_session_timeout": "15000",
                },
            },
        )
        SQLAlchemyInstrumentor().instrument(engine=engine.sync_engine)
        names.DB_POOL_LIMIT.gauge().set(wanted.pool_size + wanted.pool_overflow)
        names.DB_POOL_IN_USE.gauge().set_function(engine.sync_engine.pool.checkedout)  # type: ignore[attr-defined]  # QueuePool has it, its base class does not
        try:
            yield cls(engine)
        finally:
            await engine.dispose()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A session outside a transaction of the caller's: for reads."""
        async with self._sessions() as session:
            yield session

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session in one transaction: committed at the end of the block, rolled back if it raises."""
        async with self._sessions() as session, session.begin():
            yield session

    async def check(self) -> None:
        """Raise if the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
