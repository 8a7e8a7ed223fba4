"""What the gateways' shared cache is told about products (RFC 9213, RFC 9875).

Clients validate whatever they have with every use (`no-cache`); the gateways, which hear of every change, may answer by
themselves. How long an answer stays fresh there only counts where a change could not be told to them.
"""

import uuid
from collections.abc import Collection

CLIENTS = "public, no-cache"
"""`Cache-Control` of what everybody may see."""

FRESH_SECONDS = 10
"""How long the gateways do not ask again."""

_STALE = "stale-while-revalidate=30, stale-if-error=600"
_EVERYTHING, _PAGES = "products", "product-pages"

_MOST_NAMED = 32
"""Products that a change names one by one; a larger one invalidates all: header fields have limits too."""


def of_product(product_id: uuid.UUID, age: float) -> dict[str, str]:
    """The header fields of a product that was read `age` seconds ago: its age counts for the gateways as well."""
    return _stored(FRESH_SECONDS + int(age), f"product-{product_id}")


def of_page() -> dict[str, str]:
    """The header fields of a page of products."""
    return {"Cache-Control": CLIENTS, **_stored(FRESH_SECONDS, _PAGES)}


def of_change(updated: Collection[uuid.UUID]) -> dict[str, str]:
    """The header fields of the answer to a change that these products, and any new ones, were part of."""
    single = [f"product-{product_id}" for product_id in sorted(updated)]
    names = [*single, _PAGES] if len(single) <= _MOST_NAMED else [_EVERYTHING]
    return {"Cache-Group-Invalidation": _names(*names)}


def _stored(seconds: int, group: str) -> dict[str, str]:
    return {
        "Stormglass-Cache-Control": f"max-age={seconds}, {_STALE}",
        "Cache-Groups": _names(group, _EVERYTHING),
    }


def _names(*names: str) -> str:
    return ", ".join(f'"{name}"' for name in names)
