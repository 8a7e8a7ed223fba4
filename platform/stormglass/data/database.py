"""A service's own database: SQLModel sessions over asyncpg, bounded in number and time, traced and measured."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Self

from opentelemetry import metrics, trace
from opentelemetry.instrumentation.sqlalchemy.engine import EngineTracer
from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from stormglass import settings
from stormglass.data.measured import measure, pool_of
from stormglass.resilience.deadline import DeadlineExceeded
from stormglass.resilience.unavailable import DependencyUnavailable
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


_UNUSABLE = ("08", "53", "57")
"""SQLSTATE classes that say the server is not there for us: connection, resources, operator intervention."""


@contextmanager
def _translated() -> Iterator[None]:
    """Raise `DependencyUnavailable` for what tells that Postgres cannot be used, and let everything else pass."""
    try:
        yield
    except DeadlineExceeded:
        raise
    except DBAPIError as error:
        state = str(getattr(error.orig, "sqlstate", None) or "")
        if error.connection_invalidated or state.startswith(_UNUSABLE):
            raise DependencyUnavailable("postgres", f"{type(error.orig).__name__} {state}".strip()) from error
        raise
    except (PoolTimeout, OSError) as error:
        if isinstance(error, PoolTimeout):
            names.DB_POOL_TIMEOUTS.counter().inc()
        raise DependencyUnavailable("postgres", f"{type(error).__name__}: {error}") from error


def _trace(engine: AsyncEngine) -> None:
    """A span for every statement. The instrumentor itself takes one engine a process; a worker has two."""
    usage = metrics.get_meter("stormglass.database").create_up_down_counter("db.client.connections.usage")
    EngineTracer(trace.get_tracer("stormglass.database"), engine.sync_engine, usage)  # type: ignore[no-untyped-call]  # it has no types


class Database:
    """Sessions of one database; `DependencyUnavailable` comes out of them where Postgres cannot be used."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)

    @classmethod
    @asynccontextmanager
    async def open(cls, name: str | None = None) -> AsyncIterator[Self]:
        """The database `name` (this service's own where None), its pool closed at the end of the block."""
        wanted = settings.database()
        database = name or settings.process().service
        engine = create_async_engine(
            database_url(database),
            poolclass=pool_of(database),
            pool_size=wanted.pool_size,
            max_overflow=wanted.pool_overflow,
            pool_timeout=wanted.pool_timeout_seconds,
            # a connection that died while it was idle is replaced instead of failing a request
            pool_pre_ping=True,
            # an error's text ends up in logs and spans; addresses and password hashes must not
            hide_parameters=True,
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
        _trace(engine)
        measure(engine, database)
        names.DB_POOL_LIMIT.gauge().labels(database).set(wanted.pool_size + wanted.pool_overflow)
        try:
            yield cls(engine)
        finally:
            await engine.dispose()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A session outside a transaction of the caller's: for reads."""
        with _translated():
            async with self._sessions() as session:
                yield session

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session in one transaction: committed at the end of the block, rolled back if it raises."""
        with _translated():
            async with self._sessions() as session, session.begin():
                yield session

    async def check(self) -> None:
        """Raise if the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
