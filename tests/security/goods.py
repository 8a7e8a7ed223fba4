"""Something to buy, with as many units of it as a test wants."""

import uuid
from typing import Any

from tests.security.people import Person


def stocked(admin: Person, units: int, *, price_cents: int = 1999) -> str:
    """The id of a new product with this many units in stock."""
    name = f"Goods {uuid.uuid4().hex}"
    item = {
        "sku": f"SEC-{uuid.uuid4().hex[:12].upper()}",
        "name": name,
        "description": "",
        "price_cents": price_cents,
        "stock": units,
    }
    answer = admin.call("PUT", "/products", {"items": [item]})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = admin.call("GET", "/products", params={"q": name}).json()["items"]
    return str(found[0]["id"])
