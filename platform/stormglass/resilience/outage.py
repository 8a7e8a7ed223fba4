"""Remembering that a dependency does not answer, so that not every request waits for its time-out."""

import time


class Outage:
    """What is known of one dependency: whether it is worth asking now.

    After a failure nobody asks for `seconds`; then one caller does, and the others go on without meanwhile.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: float | None = None

    def worth_asking(self) -> bool:
        """Whether the caller should ask; True promises that it does, and tells `answered` or `failed`."""
        if self._until is None:
            return True
        now = time.monotonic()
        if now < self._until:
            return False
        self._until = now + self._seconds
        return True

    def answered(self) -> None:
        """The dependency answered."""
        self._until = None

    def failed(self) -> None:
        """The dependency did not answer."""
        self._until = time.monotonic() + self._seconds
