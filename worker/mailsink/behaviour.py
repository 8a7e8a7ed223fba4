"""How the SMTP server behaves on purpose: the one seam at which faults enter.

The server asks the current behaviour at each step of a session and otherwise knows nothing of faults.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass


class Behaviour:
    """Normal service: every question is answered with "go on". A fault overrides the steps it disturbs."""

    mode: str = "normal"

    async def on_session(self) -> str | None:
        """Asked at connect, HELO/EHLO and MAIL: the SMTP reply that refuses service, or None to serve."""
        return None

    async def on_recipient(self) -> str | None:
        """Asked at RCPT: the SMTP reply that refuses the recipient, or None to accept."""
        return None

    async def before_reply(self) -> None:
        """Awaited before each reply is sent."""

    async def acknowledges(self) -> bool:
        """Asked once a mail is stored: False drops the connection instead of answering 250."""
        return True


@dataclass(frozen=True, slots=True)
class Refuse(Behaviour):
    """The service is unavailable: 421 to everyone, also to sessions that are already open."""

    mode = "refuse"

    async def on_session(self) -> str | None:
        """Refuse the session."""
        return "421 4.3.2 Service not available, try again later"


@dataclass(frozen=True, slots=True)
class Tarpit(Behaviour):
    """Every reply comes late by `delay_seconds`."""

    delay_seconds: float
    mode = "tarpit"

    async def before_reply(self) -> None:
        """Hold the reply back."""
        await asyncio.sleep(self.delay_seconds)


@dataclass(frozen=True, slots=True)
class DropAfterData(Behaviour):
    """The mail is stored, but the sender never learns it: the window in which it must ask before sending again."""

    mode = "drop_after_data"

    async def acknowledges(self) -> bool:
        """Withhold the 250."""
        return False


NORMAL = Behaviour()


class BehaviourSwitch:
    """The behaviour in force. A fault always has an end: past it, service is normal again without anyone's help."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._fault = NORMAL
        self._ends_at = 0.0

    @property
    def current(self) -> Behaviour:
        """The fault in force, or normal behaviour."""
        return self._fault if self._clock() < self._ends_at else NORMAL

    @property
    def remaining_seconds(self) -> float:
        """Seconds until service is normal again; 0 when it is."""
        return max(0.0, self._ends_at - self._clock())

    def set(self, fault: Behaviour, ttl_seconds: float) -> None:
        """Put a fault in force for `ttl_seconds`, replacing the one before."""
        self._fault, self._ends_at = fault, self._clock() + ttl_seconds

    def reset(self) -> None:
        """Return to normal now."""
        self._fault, self._ends_at = NORMAL, 0.0
