"""Connections to Redis over this process' edge: bounded in number and in time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import BlockingConnectionPool, Redis

from stormglass import settings

PASSWORD = "redis_password"  # noqa: S105 - the name of the secret, not the secret


@asynccontextmanager
async def open_redis() -> AsyncIterator[Redis]:
    """A client whose every command ends within the configured time-out; closed at the end of the block."""
    wanted = settings.redis()
    address = settings.address("redis")
    pool = BlockingConnectionPool(
        host=address.host,
        port=address.port,
        password=settings.secret(PASSWORD).get_secret_value(),
        socket_timeout=wanted.timeout_seconds,
        socket_connect_timeout=wanted.timeout_seconds,
        max_connections=wanted.max_connections,
        # waiting for a connection is part of a command's time
        timeout=wanted.timeout_seconds,  # type: ignore[arg-type]  # passed to asyncio.timeout, which takes a float
        client_name=settings.process().name,
        protocol=3,
    )
    client = Redis(connection_pool=pool)
    try:
        yield client
    finally:
        await client.aclose(close_connection_pool=True)
