"""A platform without workers, and workers of the tests' own: killed, stopped and held at exactly chosen points."""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from stormglass.runtime.environment import environment
from stormglass.runtime.provision import connect
from stormglass.security.identity import HEADER
from stormglass.testing import Platform
from stormglass.topology import TOPOLOGY

SHOPPER = ("orders:read", "orders:write", "profile:read")


async def until(ask: Callable[[], Awaitable[Any]], *, seconds: float = 60, what: str = "it") -> Any:
    """The first truthy answer; an exception counts as "not yet"."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        try:
            answer = await ask()
            if answer:
                return answer
            last = f"last answer: {answer!r}"
        except (aiohttp.ClientError, OSError, AssertionError, LookupError, RedisError) as error:
            last = f"last error: {error!r}"
        assert loop.time() < end, f"{what}: not within {seconds} s; {last}"
        await asyncio.sleep(0.05)


@dataclass(frozen=True)
class Reply:
    status: int
    raw: bytes
    headers: Mapping[str, str]

    @property
    def body(self) -> Any:
        return msgspec.json.decode(self.raw)


class Shop:
    """Customers and stock, over the internal balancer, with identities as the gateway would sign them."""

    def __init__(self, platform: Platform, http: aiohttp.ClientSession) -> None:
        self.platform = platform
        self.http = http
        self.internal = f"http://{platform.address('internal')}"

    async def call(
        self,
        method: str,
        path: str,
        subject: str,
        scopes: Iterable[str] = SHOPPER,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        base: str = "",
    ) -> Reply:
        sent = {HEADER: self.platform.identity(subject, scopes), **(headers or {})}
        async with self.http.request(method, (base or self.internal) + path, json=json, headers=sent) as answer:
            return Reply(answer.status, await answer.read(), answer.headers)

    async def customer(self) -> str:
        """A new customer's id."""

        async def register() -> str:
            account = {"email": f"{uuid.uuid4().hex}@example.com", "password": "not a secret", "name": "Ada Lovelace"}
            made = await self.call("POST", "/users", "anonymous", json=account)
            assert made.status == 201, made.raw
            return str(made.body["id"])

        # set-up only: hashing a password on a busy machine may take longer than the balancer waits for an answer
        return str(await until(register, what="registration"))

    async def product(self, stock: int = 100, price_cents: int = 1250) -> str:
        name = f"barometer {uuid.uuid4().hex}"
        item = {"sku": name[-12:].upper(), "name": name, "description": "", "price_cents": price_cents, "stock": stock}

        async def stock_up() -> str:
            put = await self.call("PUT", "/products", "admin", ["products:write"], json={"items": [item]})
            assert put.status == 200, put.raw
            found = await self.call("GET", f"/products?q={name[-12:]}", "anyone")
            assert found.status == 200, found.raw
            return str(found.body["items"][0]["id"])

        # set-up only, see `customer`; a product that is there already keeps its stock
        return str(await until(stock_up, what="product"))

    async def place(self, customer: str, product: str, quantity: int = 1, *, key: str = "", base: str = "") -> Reply:
        return await self.call(
            "POST",
            "/orders",
            customer,
            json={"items": [{"product_id": product, "quantity": quantity}]},
            headers={"Idempotency-Key": key or uuid.uuid4().hex},
            base=base,
        )

    async def placed(self, quantity: int = 1, stock: int = 100) -> tuple[str, str, str]:
        """A new customer's order: customer, product, order."""
        customer, product, key = await self.customer(), await self.product(stock), uuid.uuid4().hex

        async def order() -> str:
            reply = await self.place(customer, product, quantity, key=key)
            assert reply.status == 201, reply.raw
            return str(reply.body["id"])

        # set-up only, see `customer`; with one key it is one order
        return customer, product, str(await until(order, what="order"))

    async def order(self, customer: str, order_id: str) -> Any:
        return (await self.call("GET", f"/orders/{order_id}", customer)).body

    async def settled(self, customer: str, order_id: str, status: str, seconds: float = 60) -> Any:
        async def ask() -> Any:
            order = await self.order(customer, order_id)
            return order if order["status"] == status else None

        return await until(ask, seconds=seconds, what=f"order {status}")

    async def mails(self, order_id: str) -> list[Any]:
        url = f"http://{self.platform.address('mail-api')}/api/v1/search"
        async with self.http.get(url, params={"query": f'subject:"{order_id}"'}) as answer:
            return list((await answer.json())["messages"])

    async def one_mail(self, order_id: str, *, done: bool = True) -> Any:
        """The order's only mail, once nothing is left to do for the order."""
        if done:
            await self.finished(order_id)
        mails = await until(lambda: self.mails(order_id), what="mail")
        assert len(mails) == 1
        return mails[0]

    async def finished(self, order_id: str) -> None:
        """Wait until every event of the order is marked done."""
        query = "SELECT count(*) = 0 FROM outbox WHERE aggregate_id = $1 AND done_at IS NULL"
        await until(lambda: self.sql("orders", query, order_id), what="events done")

    async def sql(self, database: str, query: str, *values: Any) -> Any:
        """The first value that a statement of the superuser returns."""
        connection = await connect(self.platform.instance, database=database)
        try:
            return await connection.fetchval(query, *values)
        finally:
            await connection.close()

    async def stock(self, product: str) -> dict[str, int]:
        query = "SELECT row_to_json(stock)::text FROM stock WHERE product_id = $1"
        levels = msgspec.json.decode(await self.sql("products", query, uuid.UUID(product)))
        assert levels["available"] + levels["reserved"] + levels["sold"] == levels["initial"]
        return {name: levels[name] for name in ("available", "reserved", "sold")}

    async def begin(self) -> None:
        """Let no event of an earlier test be waiting."""
        await self.sql("orders", "UPDATE outbox SET done_at = now() WHERE done_at IS NULL")

        async def flushed() -> bool:
            await self.flush()
            return True

        await until(flushed, what="redis answers")

    async def flush(self) -> None:
        """Make the queue forget everything."""
        host, _, port = self.platform.address("redis").rpartition(":")
        redis = Redis(host=host, port=int(port), password=self.platform.secret("redis", "password"))
        await redis.flushall()
        await redis.aclose()

    async def signal(self, process: str, name: str) -> None:
        await asyncio.to_thread(self.platform.run, "kill", process, "--signal", name)


class Program:
    """A process of the platform that a test runs itself."""

    def __init__(self, shop: Shop, command: list[str], variables: dict[str, str], log: Path) -> None:
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", *command],
                env={**os.environ, **variables},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.log = log
        self.admin = f"http://127.0.0.1:{variables['STORMGLASS_ADMIN_PORT']}"
        self.base = f"http://127.0.0.1:{variables['STORMGLASS_PORT']}"
        self._shop = shop

    async def ready(self) -> None:
        async def ask() -> bool:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            async with self._shop.http.get(f"{self.admin}/readyz") as answer:
                return answer.status == 200

        await until(ask, seconds=90, what="ready")

    async def metric(self, name: str, **labels: str) -> float:
        """Sum of a metric's samples of exactly this name, and with these labels among theirs; 0 if there are none."""
        async with self._shop.http.get(f"{self.admin}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        own = [line for line in lines if line.split("{")[0].split(" ")[0] == name]
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(float(line.split()[1]) for line in own if all(each in line for each in wanted))

    def kill(self) -> None:
        self.process.kill()

    async def ended(self, seconds: float = 60) -> int:
        return await asyncio.to_thread(self.process.wait, seconds)

    async def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        await self.ended()


QUICK = {
    "STORMGLASS_WORKER_JOB_SECONDS": "3",
    "STORMGLASS_WORKER_OVERDUE_SECONDS": "3",
    "STORMGLASS_WORKER_BACKOFF_CAP_SECONDS": "1",
}
"""A worker whose patience fits a test."""


@asynccontextmanager
async def worker(shop: Shop, log: Path, *, replica: int = 1, **overrides: str) -> AsyncIterator[Program]:
    """A worker, ready, with some variables replaced; killed at the end."""
    variables = {**environment(shop.platform.instance, TOPOLOGY["worker"], replica), **QUICK, **overrides}
    program = Program(shop, ["-m", "worker.main"], variables, log)
    try:
        await program.ready()
        yield program
    finally:
        await program.close()


@asynccontextmanager
async def orders(shop: Shop, log: Path, *, replica: int = 6, **overrides: str) -> AsyncIterator[Program]:
    """A further replica of the orders service that no balancer knows."""
    variables = {**environment(shop.platform.instance, TOPOLOGY["orders"], replica), **overrides}
    program = Program(shop, ["-m", "stormglass.service", "services.orders.app:create_app"], variables, log)
    try:
        await program.ready()
        yield program
    finally:
        await program.close()
