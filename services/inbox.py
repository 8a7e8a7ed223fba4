"""A customer's mailbox: reads the mail server's message API (Mailpit's, in both runtimes)."""

import time
from typing import Any

import httpx

from services.shopper import ShopError

MOST = 1000
"""Mails in one answer; the server would say 50."""


def wait_for_mail(api_url: str, recipient: str, *, seconds: float = 30.0, count: int = 1) -> list[dict[str, Any]]:
    """At least `count` mails to `recipient`, newest first; `ShopError` if they do not come within `seconds`.

    A mail server that does not answer has not got them yet: it may be back in time.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            found = mails_to(api_url, recipient)
        except ShopError:
            if time.monotonic() > end:
                raise
        else:
            if len(found) >= count:
                return found
            if time.monotonic() > end:
                raise ShopError(
                    f"{len(found)} of {count} mails to {recipient} after {seconds:.0f} s; "
                    "`stormglass logs worker` and `stormglass queue dead` tell why"
                )
        time.sleep(0.1)


def mails_to(api_url: str, recipient: str) -> list[dict[str, Any]]:
    """Mails to `recipient` that are there now, newest first."""
    try:
        response = httpx.get(f"{api_url}/api/v1/search", params={"query": f"to:{recipient}", "limit": MOST}, timeout=5)
        response.raise_for_status()
    except httpx.HTTPError as error:
        raise ShopError(f"the mail server at {api_url} does not answer: {error}") from error
    return list(response.json()["messages"])
