"""Counting requests in windows: in Redis for all gateways together, or in this process alone when Redis is away.

A window is a fixed one, aligned to the clock, with a phase per caller, so that callers do not all start anew in the
same instant. Since the window's end follows from the clock, a count is all that has to be asked. Across the edge of two
windows a caller may make up to twice the quota in one window's time.
"""

import math
import time
import zlib
from collections import OrderedDict
from dataclasses import dataclass

from services.gateway.route import Policy

MAX_LOCAL = 20_000
"""Callers counted locally at a time (about 3 MB): an outage must not be a way to fill this process' memory."""


@dataclass(frozen=True, slots=True)
class Window:
    """One caller's current window under a policy: a key to count under, and seconds until it ends (more than 0)."""

    key: str
    left: float

    @classmethod
    def of(cls, policy: Policy, caller: str, now: float) -> "Window":
        """The window in which `now` (seconds since the epoch) lies."""
        name = f"{policy.name}/{caller}"
        phase = zlib.crc32(name.encode()) % (policy.window * 1000) / 1000
        number = math.floor((now + phase) / policy.window)
        return cls(f"{name}/{number}", (number + 1) * policy.window - phase - now)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request is admitted: `quota` is the one that was applied, `reset` whole seconds, at least 1."""

    policy: Policy
    quota: int
    count: int
    reset: int

    @property
    def admitted(self) -> bool:
        """Whether the request is within the quota."""
        return self.count <= self.quota

    @property
    def remaining(self) -> int:
        """Requests that are left in this window."""
        return max(0, self.quota - self.count)


class LocalCounter:
    """Counts in this process; the least recently used key is forgotten first."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def add(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add `amount` under a key that is forgotten `expiry` seconds after it was made; the new count."""
        now = time.monotonic()
        count, ends = self._counts.get(key, (0, 0.0))
        if ends <= now:
            count, ends = 0, now + expiry
        self._counts[key] = (count + amount, ends)
        self._counts.move_to_end(key)
        if len(self._counts) > MAX_LOCAL:
            self._counts.popitem(last=False)
        return count + amount
