"""What customers come for, as routers of the edge's own: so that it counts and times each as the customer saw it.

They lead where the edge's one other router leads; objectives (`observability/slo`) are about these by name.
"""

from typing import Any

JOURNEYS = {
    "browse": "Method(`GET`) && (PathPrefix(`/products`) || PathPrefix(`/v2/products`))",
    "place-order": "Method(`POST`) && (Path(`/orders`) || Path(`/place-order`))",
}
"""Name and rule. A longer rule goes before a shorter one in Traefik, so these go before the router of everything."""


def routers(everything: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """One router for each journey, otherwise like the edge's router of everything."""
    return {name: {**everything, "rule": rule} for name, rule in JOURNEYS.items()}
