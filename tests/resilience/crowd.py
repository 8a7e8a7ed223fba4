"""People who look at their orders at a steady rate, and what they waited for, window by window."""

import itertools
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import httpx

from services.shopper import Shopper
from stormglass.testing import Platform
from tests.goods import stocked

THREADS = 8

MOOD_SECONDS = 0.25
"""What a machine with other things to do may add; a request that waited for the trace pipeline would take seconds."""

MOOD_FAILURES = 2
"""What a stall longer than the balancer's patience (1 s) may cost, of more than a hundred requests."""

QUANTILES = (0.5, 0.9)
"""What is compared. A stall makes all requests slow that are on their way: `THREADS`, 5 % of what four seconds see."""


@dataclass
class Window:
    """The requests of a while: seconds each took, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """Seconds that this share of the requests took at most."""
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(share * len(self.seconds)))]

    def __str__(self) -> str:
        middle, high = statistics.median(self.seconds) * 1000, self.quantile(0.9) * 1000
        return f"{len(self.seconds)} requests, p50 {middle:.0f} ms, p90 {high:.0f} ms, {len(self.failures)} failed"

    def as_usual(self, usual: "Window") -> bool:
        """Whether nobody noticed anything: no failures, and the times of `usual`, but for the machine's moods."""
        return len(self.failures) <= MOOD_FAILURES and all(
            self.quantile(share) < 3 * usual.quantile(share) + MOOD_SECONDS for share in QUANTILES
        )


class Crowd:
    """Threads that ask at `rate` requests a second together, from `with` to its end."""

    def __init__(self, platform: Platform, rate: float, people: int = 2) -> None:
        self._http = httpx.Client(base_url=platform.base_url, timeout=30)
        self._every = 1 / rate
        self._stop = threading.Event()
        self._go = threading.Event()
        self._go.set()
        self._lock = threading.Lock()
        self._next = time.monotonic()
        self._windows: list[Window] = []
        self._theirs = itertools.cycle([_arrive(platform, goods["id"]) for goods in stocked(platform)[:people]])
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(THREADS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._go.set()
        for thread in self._threads:
            thread.join(timeout=60)
        self._http.close()

    @contextmanager
    def window(self) -> Iterator[Window]:
        """Collect the requests that end while the block runs."""
        made = Window()
        with self._lock:
            self._windows.append(made)
        try:
            yield made
        finally:
            with self._lock:
                self._windows.remove(made)

    def watch(self, seconds: float) -> Window:
        """The requests of so many seconds."""
        with self.window() as window:
            time.sleep(seconds)
        return window

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Nobody asks anything while the block runs."""
        self._go.clear()
        try:
            yield
        finally:
            self._next = time.monotonic()
            self._go.set()

    def _ask(self) -> None:
        while not self._stop.is_set():
            self._go.wait()
            with self._lock:
                path, headers = next(self._theirs)
                # who is late does not hurry: a rate that the machine cannot keep would become a queue of ours
                mine = self._next = max(self._next + self._every, time.monotonic() - self._every)
            time.sleep(max(0.0, mine - time.monotonic()))
            begun = time.monotonic()
            try:
                status = self._http.get(path, headers=headers).status_code
                wrong = "" if status == 200 else f"answered {status}"
            except httpx.HTTPError as error:
                wrong = f"{type(error).__name__}: {error}"
            taken = time.monotonic() - begun
            with self._lock:
                for window in self._windows:
                    window.seconds.append(taken)
                    window.failures += [wrong] if wrong else []


def _arrive(platform: Platform, product_id: str) -> tuple[str, dict[str, str]]:
    with Shopper(platform.base_url) as shopper:
        shopper.register()
        shopper.log_in()
        order = shopper.place([(product_id, 1)]).order_id
        return f"/orders/{order}", {"Authorization": shopper._http.headers["Authorization"]}
