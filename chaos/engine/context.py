"""What a kind of fault acts through: one instance, and connections to its parts that lead past every fault proxy."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from chaos.toxiproxy.adapter import Adapter
from stormglass.runtime.instance import Instance, load
from stormglass.runtime.manager import Manager

T = TypeVar("T")

SECONDS = 3.0
"""Longest wait for one answer of whatever is spoken to: an undo that hangs is worth less than one that is repeated."""


@dataclass
class Context:
    """One instance. Every connection is opened when it is needed and closed after; nothing is kept that could be dead.

    Safe to share between tasks of one event loop.
    """

    name: str
    _proxies: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    @property
    def instance(self) -> Instance:
        """The instance as it is recorded now: replicas change while we run."""
        return load(self.name)

    @property
    def manager(self) -> Manager:
        """The process manager. Its calls block: use `await asyncio.to_thread(context.manager.signal, …)`."""
        return Manager(self.instance)

    async def toxiproxy(self, ask: Callable[[Adapter], T]) -> T:
        """The answer of the proxy server: `await context.toxiproxy(lambda server: server.proxies())`.

        Raises:
            UnreachableError: it does not answer. ToxiproxyError: it refuses.
        """

        def run() -> T:
            with Adapter(*self.instance.endpoint("toxiproxy"), seconds=SECONDS) as adapter:
                return ask(adapter)

        async with self._proxies:  # one at a time: what reads and then changes must not be overtaken by another
            return await asyncio.to_thread(run)

    @asynccontextmanager
    async def redis(self) -> AsyncIterator[Any]:
        """A `redis.asyncio.Redis` without retries; answers are text."""
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        instance = self.instance
        host, port = instance.endpoint("redis")
        client = Redis(
            host=host,
            port=port,
            password=instance.secret("redis", "password"),
            socket_timeout=SECONDS,
            socket_connect_timeout=SECONDS,
            decode_responses=True,
            retry=Retry(NoBackoff(), 0),
            client_name="faults",
        )
        try:
            yield client
        finally:
            await client.aclose()

    @asynccontextmanager
    async def postgres(self, database: str = "postgres") -> AsyncIterator[Any]:
        """An asyncpg connection as the superuser, for whom Postgres keeps connections in reserve."""
        import asyncpg

        instance = self.instance
        host, port = instance.endpoint("postgres")
        connection = await asyncpg.connect(
            host=host,
            port=port,
            user="postgres",
            password=instance.secret("postgres", "superuser_password"),
            database=database,
            ssl=False,
            timeout=SECONDS,
            command_timeout=SECONDS,
            server_settings={"application_name": "faults"},
        )
        try:
            yield connection
        finally:
            connection.terminate()  # a polite close may wait for a server that is frozen

    @asynccontextmanager
    async def http(self, label: str, replica: int = 1) -> AsyncIterator[Any]:
        """An `httpx.AsyncClient` whose base URL is what listens on `label` (`mail-api`, `orders:admin`, …)."""
        import httpx

        url = f"http://{self.instance.address(label, replica)}"
        # the machine's own HTTP proxies have no business on the loopback
        async with httpx.AsyncClient(base_url=url, timeout=SECONDS, trust_env=False) as client:
            yield client
