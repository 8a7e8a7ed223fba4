"""Which replicas an administrator wants to be answered by: `X-Stormglass-Canary: products-2, orders-1`.

The internal balancer sends what carries a replica's name to that replica or to nobody. From anybody else the header is
taken for what it is, a field of ours that came from outside, and removed.
"""

from services.gateway.exchange import Exchange
from stormglass.canary import HEADER, REPLICAS
from stormglass.service import Problem

SCOPE = "admin"
_FIELD = HEADER.lower().encode()


def wanted(exchange: Exchange) -> list[str]:
    """The replicas that the caller may name and does; none for most.

    Raises:
        Problem: 400, no replica can have that name.
    """
    values = exchange.values(_FIELD)
    if not values or exchange.identity is None or SCOPE not in exchange.identity.scopes:
        return []
    names = [name for name in b",".join(values).decode("latin-1").replace(" ", "").split(",") if name]
    if unknown := sorted(set(names) - REPLICAS):
        raise Problem(400, "no-such-replica", f"{HEADER}: no replica is called {unknown[0][:40]!r}")
    return names


def fields(exchange: Exchange) -> list[tuple[str, str]]:
    """The header fields that tell the internal balancer: one for each name, for that is how it compares them."""
    return [(HEADER, name) for name in wanted(exchange)]
