"""Connections to Redis over this process' edge: bounded in number and in time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import BlockingConnectionPool, Redis

from stormglass import settings

PASSWORD = "redis_password"  # noqa: S105 - the name of the secret, not the secret


def redis_pool(timeout_seconds: float | None = None) -> BlockingConnectionPool:
    """Connections of this process to Redis.

    `timeout_seconds` (None: the configured) is for each wait: for a free connection, for connecting, for each of the
    two answers of a new connection's handshake, for a command's answer.
    """
    wanted = settings.redis()
    address = settings.address("redis")
    seconds = wanted.timeout_seconds if timeout_seconds is None else timeout_seconds
    return BlockingConnectionPool(
        host=address.host,
        port=address.port,
        password=settings.secret(PASSWORD).get_secret_value(),
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        max_connections=wanted.max_connections,
        # waiting for a connection is part of a command's time
        timeout=seconds,  # type: ignore[arg-type]  # passed to asyncio.timeout, which takes a float
        client_name=settings.process().name,
        # two round trips less for each new connection
        lib_name=None,
        lib_version=None,
        protocol=3,
    )


@asynccontextmanager
async def open_redis() -> AsyncIterator[Redis]:
    """A client whose every wait ends within the configured time-out; closed at the end of the block."""
    client = Redis(connection_pool=redis_pool())
    try:
        yield client
    finally:
        await client.aclose(close_connection_pool=True)
