"""What a customer must find true whatever was broken meanwhile."""

from typing import Any

from services.inbox import mails_to
from services.shopper import Shopper
from stormglass.testing import Platform, eventually

FRESH = {"Cache-Control": "no-cache"}
"""For reads that are to reach the service: the gateways' cache would answer most of them."""


def fulfilled_once(platform: Platform, shopper: Shopper, order_id: str) -> None:
    """The order is confirmed, it is there once, and exactly one mail is about it."""
    confirmed(shopper, order_id)
    mails = eventually(lambda: about(platform, shopper, order_id), seconds=90, what=f"a mail about {order_id}")
    assert len(mails) == 1
    orders = shopper.request("GET", "/orders")["items"]
    assert [each["id"] for each in orders].count(order_id) == 1


def confirmed(shopper: Shopper, order_id: str) -> None:
    # a customer may ask a hundred times a minute
    eventually(
        lambda: shopper.order(order_id)["status"] == "confirmed",
        seconds=90,
        every=1.0,
        what=f"order {order_id} is confirmed",
    )


def about(platform: Platform, shopper: Shopper, order_id: str) -> list[dict[str, Any]]:
    mails = mails_to(f"http://{platform.address('mail-api')}", shopper.email)
    return [mail for mail in mails if order_id in mail["Subject"]]
