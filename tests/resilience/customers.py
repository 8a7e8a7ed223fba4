"""Customers who keep ordering while things break, and remember every order that was acknowledged."""

import threading
import time
from types import TracebackType
from typing import Any, Self

from services.inbox import mails_to
from services.shopper import ShopError, Shopper
from stormglass.testing import Platform, eventually
from tests.goods import stocked

PATIENCE_SECONDS = 45.0
"""How long an order that is under way at the end is still repeated: it may be stored, and only its answer lost."""


class Customers:
    """A few customers ordering in threads; each request that fails is repeated with the same key until answered."""

    def __init__(self, platform: Platform, count: int = 3, pause: float = 0.8) -> None:
        self._platform = platform
        self._pause = pause
        self._stop = threading.Event()
        self._patience = 0.0  # until when, on the monotonic clock; only at the end
        self._shoppers: list[Shopper] = []
        for _ in range(count):
            shopper = Shopper(platform.base_url)
            shopper.register()
            shopper.log_in()
            self._shoppers.append(shopper)
        self.goods = stocked(platform)
        self.acknowledged: list[tuple[Shopper, str]] = []
        self.failed_attempts = 0
        self._threads = [
            threading.Thread(target=self._order, args=(shopper, number), daemon=True)
            for number, shopper in enumerate(self._shoppers)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self._patience = time.monotonic() + PATIENCE_SECONDS
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=PATIENCE_SECONDS + 30)  # the last attempt may begin when patience ends

    def _order(self, shopper: Shopper, number: int) -> None:
        turn = 0
        while not self._stop.is_set():
            turn += 1
            goods = self.goods[(number + turn) % len(self.goods)]
            self._until_answered(shopper, goods["id"], f"customer-{number}-{turn}-{time.monotonic_ns()}")
            self._stop.wait(self._pause)

    def _until_answered(self, shopper: Shopper, product_id: str, key: str) -> None:
        while not self._stop.is_set() or time.monotonic() < self._patience:
            try:
                placed = shopper.place([(product_id, 1)], idempotency_key=key)
            except ShopError:
                self.failed_attempts += 1
                time.sleep(0.3)
            else:
                self.acknowledged.append((shopper, placed.order_id))
                return

    def check_nothing_was_lost(self, seconds: float = 90.0) -> None:
        """Every acknowledged order is stored and settled, is there once, and was mailed about once."""
        assert self.acknowledged, "no order was acknowledged: the test proved nothing"
        for shopper, order_id in self.acknowledged:
            settled = eventually(
                lambda shopper=shopper, order_id=order_id: _settled(shopper, order_id),  # type: ignore[misc]  # a lambda bound to its round
                seconds=seconds,
                what=f"order {order_id} is settled",
            )
            assert settled["status"] == "confirmed"
        api = f"http://{self._platform.address('mail-api')}"
        for shopper in self._shoppers:
            mine = [order_id for who, order_id in self.acknowledged if who is shopper]
            assert len(mine) == len(set(mine)), "one order was acknowledged under two keys"
            mails = eventually(
                lambda shopper=shopper, mine=mine: _enough(mails_to(api, shopper.email), mine),  # type: ignore[misc]  # a lambda bound to its round
                seconds=seconds,
                what=f"{len(mine)} mails",
            )
            for order_id in mine:
                about = [mail for mail in mails if order_id in mail["Subject"]]
                assert len(about) == 1, f"{len(about)} mails about order {order_id}"


def _settled(shopper: Shopper, order_id: str) -> dict[str, Any] | None:
    order = shopper.order(order_id)
    return order if order["status"] != "pending" else None


def _enough(mails: list[dict[str, Any]], orders: list[str]) -> list[dict[str, Any]] | None:
    return mails if all(any(order in mail["Subject"] for mail in mails) for order in orders) else None
