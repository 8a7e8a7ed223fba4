"""One request taken from a quota: the question that is asked, and how it is given back."""

from collections.abc import Sequence
from typing import Any

from services.gateway.limits.windows import Window
from services.gateway.roundtrip import Command
from services.gateway.route import Policy


class Take:
    """Counts one request of `caller` at the moment `now` (seconds since the epoch); `count` is None until it did."""

    def __init__(self, policy: Policy, caller: str, now: float) -> None:
        self.policy = policy
        self.window = Window.of(policy, caller, now)
        self.count: int | None = None
        self._key = f"limit:{self.window.key}"

    def commands(self) -> Sequence[Command]:
        """Counting, in a key that always has an expiry.

        It is set with the key's first value, so that the key cannot be without one, and is twice the window, so that
        the key cannot expire between the two commands: nobody counts in this window any more by then.
        """
        return (self._begin, ("INCR", self._key))

    def answered(self, replies: Sequence[Any]) -> None:
        """Take the count; where Redis could not count, there is none."""
        self.count = replies[1] if isinstance(replies[1], int) else None

    def give_back(self) -> Sequence[Command]:
        """Uncounting: what was counted turned out not to be meant."""
        return (self._begin, ("DECR", self._key))

    @property
    def _begin(self) -> Command:
        return ("SET", self._key, 0, "EX", 2 * self.policy.window, "NX")
