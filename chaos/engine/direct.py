"""Taking faults back without the keeper, straight from the journal: for when it is dead, hung, or was never started."""

import asyncio
from collections.abc import Callable, Iterable

from chaos.engine.context import Context
from chaos.engine.engine import Engine
from chaos.engine.journal import Journal, journal_path
from chaos.engine.model import Fault, State
from stormglass.runtime.instance import Instance

ATTEMPTS = 5
PAUSE_SECONDS = 0.5


def read(instance: Instance) -> list[Fault]:
    """Every fault of an instance that has not ended, oldest first."""
    path = journal_path(instance)
    if not path.is_file():
        return []
    with Journal(path) as journal:
        return journal.live()


def clear(instance: Instance, chosen: Callable[[Fault], bool]) -> list[Fault]:
    """Undo the faults that are chosen, at the same time and a few times over; as they are then.

    A keeper that comes to life meanwhile may undo the same ones: that is harmless.
    """
    path = journal_path(instance)
    if not path.is_file():
        return []
    with Journal(path) as journal:
        engine = Engine(Context(instance.name), journal)
        faults = [fault for fault in journal.live() if chosen(fault)]
        return asyncio.run(_undo_all(engine, faults))


async def _undo_all(engine: Engine, faults: Iterable[Fault]) -> list[Fault]:
    return list(await asyncio.gather(*(_undo(engine, fault) for fault in faults)))


async def _undo(engine: Engine, fault: Fault) -> Fault:
    for attempt in range(ATTEMPTS):
        if attempt:
            await asyncio.sleep(PAUSE_SECONDS)
        fault = await engine.undo(fault)
        if fault.state is State.ENDED:
            break
    return fault
