"""Shoppers who are there before the load begins: registered once per instance, and used again while they are known.

Registering costs two slow password hashes and two requests of the address' rate limit, so that a second run within the
same minute would have to wait.
"""

import asyncio
import json
import math
import time
from dataclasses import asdict
from pathlib import Path

from chaos.load.shop import Shop, Shopper
from stormglass.runtime.files import write_private
from stormglass.runtime.instance import Instance

REQUESTS_PER_MINUTE = 60
"""What one shopper asks at most: well below the default limit of 100, of which each gateway admits half by itself
while Redis is away."""

_AT_ONCE = 4
_LEFT_SECONDS = 900.0  # what a token must still be good for: longer than the longest story takes


def needed(rate: float) -> int:
    """How many shoppers it takes for `rate` requests per second."""
    return max(1, math.ceil(rate * 60 / REQUESTS_PER_MINUTE))


async def prepare(shop: Shop, instance: Instance, count: int) -> list[Shopper]:
    """`count` shoppers who are logged in."""
    path = instance.run / "load-shoppers.json"
    known = _read(path)
    if known and not await shop.knows(known[0]):  # another database, or another signing key
        known = []
    limit = asyncio.Semaphore(_AT_ONCE)

    async def register() -> Shopper:
        async with limit:
            return await shop.register()

    known += await asyncio.gather(*(register() for _ in range(count - len(known))))
    write_private(path, json.dumps([asdict(shopper) for shopper in known]))
    return known[:count]


def _read(path: Path) -> list[Shopper]:
    try:
        known = [Shopper(**each) for each in json.loads(path.read_text(encoding="utf-8"))]
    except (FileNotFoundError, ValueError, TypeError):
        return []
    return [shopper for shopper in known if shopper.expires > time.time() + _LEFT_SECONDS]
