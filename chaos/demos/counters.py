"""What the processes themselves count: their fallbacks, and what waits in the outbox."""

import asyncio
import re
from collections import Counter

from stormglass.runtime.instance import Instance
from stormglass.runtime.network import HostPort
from stormglass.runtime.probe import http_get

_FALLBACK = re.compile(r'^fallback_total\{dependency="([^"]+)",fallback="([^"]+)"\} (\S+)', re.MULTILINE)
_WAITING = re.compile(r"^outbox_waiting_rows (\S+)", re.MULTILINE)
_PARTS = ("gateway", "users", "products", "orders", "worker")


class Counters:
    """The counters of all replicas together, as they are at one moment."""

    def __init__(self, fallbacks: Counter[str], waiting: int) -> None:
        self.fallbacks = fallbacks
        self.waiting = waiting

    def since(self, earlier: "Counters") -> dict[str, int]:
        """How often each fallback was used between two moments: `redis → origin`: 120."""
        return {name: count for name, count in (self.fallbacks - earlier.fallbacks).most_common() if count}


async def read(instance: Instance) -> Counters:
    """Ask every replica, past the fault proxies; one that does not answer counts nothing."""
    endpoints = [
        instance.endpoint(f"{part}:admin", number)
        for part in _PARTS
        for number in range(1, instance.replicas_of(instance.topology[part]) + 1)
    ]
    texts = await asyncio.gather(*(_metrics(at) for at in endpoints))
    fallbacks: Counter[str] = Counter()
    for text in texts:
        for dependency, fallback, count in _FALLBACK.findall(text):
            fallbacks[f"{dependency} → {fallback}"] += int(float(count))
    # every worker tells of the same table
    return Counters(fallbacks, max((int(float(n)) for text in texts for n in _WAITING.findall(text)), default=0))


async def _metrics(at: HostPort) -> str:
    try:
        async with asyncio.timeout(2.0):
            _, body = await http_get(at, "/metrics")
    except (TimeoutError, OSError, ValueError):
        return ""
    return body.decode()
