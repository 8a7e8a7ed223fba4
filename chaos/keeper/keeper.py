"""All faults of an instance: new ones are put, old ones end, those of an earlier keeper are found in the journal."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable
from typing import Any

from chaos.engine.engine import Engine, NotApplied
from chaos.engine.model import Fault, Refused, Request
from chaos.keeper.life import Life
from stormglass.telemetry import names
from stormglass.telemetry.logs import logger

CLEAR_SECONDS = 10.0
"""How long whoever clears a fault is kept waiting; undoing goes on after that."""

_log = logger(__name__)


class Keeper:
    """Call everything from one event loop."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lives: dict[str, Life] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._counted: set[tuple[str, str]] = set()

    def start(self) -> None:
        """Take over what is in the journal: what is half done or over is undone at once, the rest lasts its time."""
        for fault in self.engine.journal.live():
            _log.warning("fault found", fault=fault.id, target=fault.target, type=fault.type, state=fault.state)
            self._life(fault)
        self._count()

    async def stop(self) -> None:
        """Leave everything as it is: the next keeper goes on with it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def add(self, request: Request) -> Fault:
        """Put a fault; it is active and observed when this returns.

        Raises:
            Refused: nothing was changed. NotApplied: it does not work, and has been taken back again.
        """
        # whoever asked may go away in the middle; the fault must not be left half done because of that
        task: asyncio.Task[Fault] = self._run(self._add(request))
        return await asyncio.shield(task)

    async def _add(self, request: Request) -> Fault:
        try:
            fault = await self.engine.begin(request)
        except TimeoutError as error:
            raise Refused(f"{request.target} does not answer in time to prepare {request.type}") from error
        fault = await self._life(fault, new=True).put
        try:
            return await self.engine.observe(fault)
        except NotApplied:
            await self._end(fault)
            raise

    def live(self) -> list[Fault]:
        """Every fault that has not ended, oldest first."""
        return self.engine.journal.live()

    async def clear(self, faults: Iterable[Fault]) -> list[Fault]:
        """End these faults; as they are after at most `CLEAR_SECONDS`, ended or with the reason why not yet."""
        chosen = list(faults)
        await asyncio.gather(*(self._end(fault) for fault in chosen))
        return [self.engine.journal.get(fault.id) for fault in chosen]

    async def _end(self, fault: Fault) -> None:
        life = self._lives.get(fault.id) or self._life(fault)
        life.clear()
        try:
            async with asyncio.timeout(CLEAR_SECONDS):
                await life.tried.wait()
        except TimeoutError:
            _log.warning("fault is still being undone", fault=fault.id, target=fault.target, type=fault.type)

    def _life(self, fault: Fault, *, new: bool = False) -> Life:
        life = self._lives[fault.id] = Life(self.engine, fault, self._count)
        task = self._run(life.begin() if new else life.resume())
        task.add_done_callback(lambda _: self._lives.pop(fault.id, None))
        return life

    def _run(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _count(self) -> None:
        gauge = names.FAULTS_ACTIVE.gauge()
        counts = Counter((fault.type, fault.target) for fault in self.live())
        for each, count in counts.items():
            gauge.labels(*each).set(count)
        for gone in self._counted - set(counts):
            gauge.remove(*gone)
        self._counted = set(counts)
