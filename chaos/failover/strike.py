"""Sending the signal: by the process manager, or, where it has to be taken back, as a fault with a time-to-live."""

import asyncio
import time

from chaos.failover.cases import CUT
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
    if signal == CUT:
        return await asyncio.to_thread(_cut, instance, replica)
    begun = time.monotonic()
    await asyncio.to_thread(kill, instance.name, replica, signal)
    return begun


def _cut(instance: Instance, replica: str) -> float:
    """Traffic and health check alike, as if its machine had lost the network."""
    edges = [
        edge.name
        for edge in instance.topology.edges_of("edge")
        if edge.server.partition(":")[0] == replica and edge.each_replica
    ]
    begun = time.monotonic()
    with KeeperClient(instance) as keeper:
        for edge in edges:
            keeper.add(edge, "down", ttl=FROZEN_SECONDS)
    return begun


def _freeze(instance: Instance, replica: str) -> float:
    with KeeperClient(instance) as keeper:
        fault = keeper.add(replica, "stop", ttl=FROZEN_SECONDS)
    return time.monotonic() - (time.time() - fault.created_at)
