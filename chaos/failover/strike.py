"""Sending the signal: by the process manager, or, where it has to be taken back, as a fault with a time-to-live."""

import asyncio
import time

from chaos.keeper.client import KeeperClient
from stormglass.runtime.control import kill
from stormglass.runtime.instance import Instance

FROZEN_SECONDS = 5.0
"""How long a replica stays frozen: enough for every request that waits for it to be given up."""


async def strike(instance: Instance, replica: str, signal: str) -> float:
    """Send it; the moment before it was sent, by `time.monotonic()`.

    A frozen replica is let go by the keeper after `FROZEN_SECONDS`, whatever becomes of us.
    """
    if signal == "STOP":
        return await asyncio.to_thread(_freeze, instance, replica)
    begun = time.monotonic()
    await asyncio.to_thread(kill, instance.name, replica, signal)
    return begun


def _freeze(instance: Instance, replica: str) -> float:
    with KeeperClient(instance) as keeper:
        fault = keeper.add(replica, "stop", ttl=FROZEN_SECONDS)
    return time.monotonic() - (time.time() - fault.created_at)
