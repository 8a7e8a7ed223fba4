"""Goods that a test may order: the catalogue's are finite, and a whole run of the suite sells some of them out.

Who puts them there has to log in first.
"""

import uuid
from typing import Any

from services.shopper import Shopper
from stormglass.testing import Platform, eventually


def log_in(shopper: Shopper) -> None:
    """Log in, however busy the machine is: nobody repeats a POST, and all who are anonymous share one quota."""

    def ask() -> bool:
        shopper.log_in()
        return True

    eventually(ask, seconds=90, every=1.0, what=f"{shopper.email} is logged in")


def stocked(platform: Platform) -> list[dict[str, Any]]:
    """Goods of their own, which no other test sells out."""
    mark = uuid.uuid4().hex[:8].upper()
    with Shopper(
        platform.base_url, email="admin@stormglass.local", password=platform.secret("users", "admin_password")
    ) as administrator:
        log_in(administrator)
        administrator.stock_catalogue(
            [
                {
                    "sku": f"{mark}-{number}",
                    "name": f"Goods {mark} {number}",
                    "description": "For a test",
                    "price_cents": 100 + number,
                    "stock": 10_000,
                }
                for number in range(5)
            ]
        )
        return administrator.products(mark)
