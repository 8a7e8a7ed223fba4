"""Shoppers who are there before the load begins, and stay logged in while it lasts.

They are registered once per instance and used again: registering costs two slow password hashes and two requests of the
address' rate limit, so that a second run within the same minute would have to wait. An access token that ends is
followed by a new log-in rather than refreshed: two loads may run at once with the same shoppers, and a refresh token
that both of them used would log both out.
"""

import asyncio
import json
import math
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

from chaos.load.shop import Shop, Shopper
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.files import private_directory, write_private
from stormglass.runtime.instance import Instance

REQUESTS_PER_MINUTE = 60
"""What one shopper asks at most: well below the default limit of 100, of which each gateway admits half by itself
while Redis is away."""

RENEW_SECONDS = 300.0
"""How long before its end a token is replaced: an outage of log-ins up to that long leaves nobody without one."""

_BETWEEN_SECONDS = 1.0  # two log-ins: well below the rate limit of one address
_AT_ONCE = 4


def needed(rate: float) -> int:
    """How many shoppers it takes for `rate` requests per second."""
    return max(1, math.ceil(rate * 60 / REQUESTS_PER_MINUTE))


async def prepare(shop: Shop, instance: Instance, count: int) -> list[Shopper]:
    """`count` shoppers who are logged in."""
    path = instance.run / "load-shoppers.json"
    ready = await _logged_in(shop, _read(path), count)
    limit = asyncio.Semaphore(_AT_ONCE)

    async def register() -> Shopper:
        async with limit:
            return await shop.register()

    ready += await asyncio.gather(*(register() for _ in range(count - len(ready))))
    private_directory(path.parent)
    write_private(path, json.dumps([asdict(shopper) for shopper in ready]))
    return ready[:count]


async def stay_logged_in(shop: Shop, shoppers: list[Shopper]) -> NoReturn:
    """Replace those in the list whose token is about to end, one at a time, for ever; what fails is tried again."""
    while True:
        for place, shopper in enumerate(shoppers):
            if not _lasts(shopper):
                with suppress(RuntimeFailure):
                    shoppers[place] = await shop.log_in(shopper.email, shopper.password)
                await asyncio.sleep(_BETWEEN_SECONDS)
        await asyncio.sleep(_BETWEEN_SECONDS)


async def _logged_in(shop: Shop, known: list[Shopper], count: int) -> list[Shopper]:
    """Those whose token lasts, and as many of the others, logged in again, as it takes for `count`."""
    ready = [shopper for shopper in known if _lasts(shopper)]
    if ready and not await shop.knows(ready[0]):  # another database, or another signing key
        ready = []
    others = [shopper for shopper in known if shopper not in ready]
    for shopper in others[: max(0, count - len(ready))]:
        try:
            ready.append(await shop.log_in(shopper.email, shopper.password))
        except RuntimeFailure:
            break  # another database: it knows none of them
    return ready


def _lasts(shopper: Shopper) -> bool:
    return shopper.expires > time.time() + RENEW_SECONDS


def _read(path: Path) -> list[Shopper]:
    try:
        return [Shopper(**each) for each in json.loads(path.read_text(encoding="utf-8"))]
    except (FileNotFoundError, ValueError, TypeError):
        return []
