"""Asking for one replica by name: the header that the internal balancer follows, and which names it may hold."""

from stormglass.topology import TOPOLOGY

HEADER = "X-Stormglass-Canary"
"""Names the replica that is to answer (`products-2`). Inside, only the gateway sets it; the edge does not know it."""

REPLICAS = frozenset(
    process.replica_name(number)
    for process in TOPOLOGY.processes
    if process.paths
    for number in range(1, process.places + 1)
)
"""Every name that a replica behind the internal balancer can have, whether it runs now or not."""
