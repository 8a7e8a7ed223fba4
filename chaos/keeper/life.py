"""One fault's life in the keeper: it is put, lasts until its time is over or somebody clears it, and is undone.

Undo is repeated with growing pauses until it succeeds; there is no last attempt.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable

from chaos.engine.engine import Engine, NotApplied, reason
from chaos.engine.model import Fault, State
from stormglass.telemetry import names
from stormglass.telemetry.logs import logger

RESTORE_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0

_log = logger(__name__)


class Life:
    """Runs from the moment a fault is written down until it has ended. `changed` is called after every step."""

    def __init__(self, engine: Engine, fault: Fault, changed: Callable[[], None]) -> None:
        self._engine = engine
        self._fault = fault
        self._changed = changed
        self._cleared = asyncio.Event()
        self._complaint = ""
        self.put: asyncio.Future[Fault] = asyncio.get_running_loop().create_future()
        """The fault once it is active, or `NotApplied` once it has been taken back for the first time."""
        self.tried = asyncio.Event()
        """Set when an undo has been tried since it was last asked for."""

    def clear(self) -> None:
        """End it now; also ends a pause between two attempts to undo."""
        self.tried.clear()
        self._cleared.set()

    async def begin(self) -> None:
        """A new fault's whole life."""
        failure: NotApplied | None = None
        try:
            fault = await self._engine.apply(self._fault)
        except NotApplied as error:
            failure = error
            names.FAULTS.counter().labels(self._fault.type, "failed").inc()
            _log.warning("fault not put", **_who(self._fault), reason=str(error))
        else:
            names.FAULTS.counter().labels(fault.type, "put").inc()
            _log.info("fault put", **_who(fault), attributes=dict(fault.attributes), ttl_seconds=fault.ttl_seconds)
            self.put.set_result(fault)
            self._changed()
            await self._last()
        await self._undo(failure)

    async def resume(self) -> None:
        """The rest of the life of a fault that an earlier keeper has put, or was about to put or to undo."""
        await self._last()
        await self._undo()

    async def _last(self) -> None:
        fault = self._engine.journal.get(self._fault.id)
        # by the monotonic clock from here on: somebody may set the other one
        end = time.monotonic() + min(max(fault.expires_at - time.time(), 0.0), fault.ttl_seconds)
        while fault.state is State.ACTIVE and not self._cleared.is_set():
            left = end - time.monotonic()
            if left <= 0:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._cleared.wait(), min(left, RESTORE_SECONDS))
            # read again: the command line may have undone it behind our back
            fault = self._engine.journal.get(self._fault.id)
            if fault.state is State.ACTIVE and not self._cleared.is_set() and time.monotonic() < end:
                await self._restore(fault, end)
                fault = self._engine.journal.get(self._fault.id)

    async def _restore(self, fault: Fault, end: float) -> None:
        try:
            # what is slow to be put back must not outlast the fault
            async with asyncio.timeout(end - time.monotonic()):
                after = await self._engine.restore(fault)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next second brings the next attempt
            if reason(error) != self._complaint:
                self._complaint = reason(error)
                _log.warning("fault cannot be looked after", **_who(fault), reason=self._complaint)
            return
        self._complaint = ""
        if after.restored > fault.restored:
            _log.warning("fault put back: something else had taken it away", **_who(fault))

    async def _undo(self, failure: NotApplied | None = None) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            self._cleared.clear()
            fault = await self._engine.undo(self._engine.journal.get(self._fault.id))
            self._changed()
            ended = fault.state is State.ENDED
            if failure and not self.put.done():
                self.put.set_exception(failure)
            if ended or not self._cleared.is_set():
                self.tried.set()
            if ended:
                names.FAULTS.counter().labels(fault.type, "ended").inc()
                lasted = time.time() - fault.expires_at + fault.ttl_seconds
                _log.info("fault ended", **_who(fault), lasted_seconds=round(lasted, 3))
                return
            names.FAULT_UNDO_FAILURES.counter().labels(fault.type).inc()
            _log.error("fault cannot be undone yet", **_who(fault), attempts=fault.attempts, reason=fault.reason)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._cleared.wait(), pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _who(fault: Fault) -> dict[str, str]:
    return {"fault": fault.id, "target": fault.target, "type": fault.type}
