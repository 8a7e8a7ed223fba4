"""The books, read past the services: whether every acknowledged order is there, settled, and mailed about once."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import aiohttp
import asyncpg

from chaos.load.orders import Acknowledged
from stormglass.runtime.instance import Instance

SETTLE_SECONDS = 90.0
"""How long jobs may take to catch up: longer than an event waits until it is handed over again (30 s)."""

_EVERY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Books:
    """What became of the acknowledged orders; all counts are of orders.

    `pending` and `unmailed` are those that were still so when the time was up.
    """

    acknowledged: int
    lost: int
    confirmed: int
    cancelled: int
    pending: int
    mailed: int
    unmailed: int
    mailed_twice: int

    @property
    def balanced(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.pending or self.unmailed or self.mailed_twice)

    def told(self) -> str:
        """In one line."""
        text = f"{self.acknowledged} acknowledged, {self.confirmed} confirmed, {self.mailed} mailed once"
        wrong = {
            "lost": self.lost,
            "still pending": self.pending,
            "without a mail": self.unmailed,
            "mailed more than once": self.mailed_twice,
            "cancelled": self.cancelled,
        }
        return ", ".join([text, *(f"{count} {what}" for what, count in wrong.items() if count)])


async def settle(instance: Instance, orders: Iterable[Acknowledged], seconds: float = SETTLE_SECONDS) -> Books:
    """The books once they are balanced, or as they are after `seconds`."""
    promised = list(orders)
    end = time.monotonic() + seconds
    while True:
        statuses = await _statuses(instance, promised)
        mails = await _mails(instance, promised)
        books = _compare(promised, statuses, mails)
        if books.balanced or books.lost or books.mailed_twice or time.monotonic() > end:
            return books
        await asyncio.sleep(_EVERY_SECONDS)


def _compare(promised: list[Acknowledged], statuses: dict[str, str], mails: Counter[str]) -> Books:
    found = Counter(statuses.get(order.order_id, "lost") for order in promised)
    about = [mails[order.order_id] for order in promised]
    return Books(
        acknowledged=len(promised),
        lost=found["lost"],
        confirmed=found["confirmed"],
        cancelled=found["cancelled"],
        pending=found["pending"],
        mailed=about.count(1),
        unmailed=about.count(0),
        mailed_twice=sum(count > 1 for count in about),
    )


async def _statuses(instance: Instance, promised: list[Acknowledged]) -> dict[str, str]:
    """Status by order id, from the database itself: what is not there is lost."""
    host, port = instance.endpoint("postgres")
    connection = await asyncpg.connect(
        host=host,
        port=port,
        user="orders",
        database="orders",
        password=instance.secret("orders", "database_password"),
        timeout=10,
    )
    try:
        rows = await connection.fetch(
            "SELECT id::text, status FROM orders WHERE id = ANY($1::uuid[])", [order.order_id for order in promised]
        )
    finally:
        await connection.close()
    return {row["id"]: row["status"] for row in rows}


async def _mails(instance: Instance, promised: list[Acknowledged]) -> Counter[str]:
    """How many mails about each order arrived, from the mail server's message API."""
    counts: Counter[str] = Counter()
    wanted = {order.order_id for order in promised}
    async with aiohttp.ClientSession(f"http://{instance.address('mail-api')}") as http:
        for email in sorted({order.email for order in promised}):
            parameters = {"query": f"to:{email}", "limit": "1000"}
            async with http.get("/api/v1/search", params=parameters) as response:
                response.raise_for_status()
                for mail in (await response.json())["messages"]:
                    counts.update(word for word in mail["Subject"].split() if word in wanted)
    return counts
