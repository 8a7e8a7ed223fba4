"""How many dead letters wait for somebody: measured, since they may be replayed or removed by anybody."""

import logging
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager

from sqlalchemy.exc import SQLAlchemyError

from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.service.periodic import periodically
from stormglass.telemetry import names
from worker.dead_letters import DeadLetters

EVERY_SECONDS = 2.0


def measuring(letters: DeadLetters, tasks: Iterable[str]) -> AbstractAsyncContextManager[None]:
    """Look again and again while the block runs; what cannot be looked at keeps the value it had."""
    known = set(tasks)

    async def look() -> None:
        waiting = await letters.waiting()
        for task in known | waiting.keys():
            names.DEAD_LETTERS_WAITING.gauge().labels(task).set(waiting.get(task, 0))
        known.update(waiting)

    return periodically(
        look,
        name="dead letters",
        seconds=EVERY_SECONDS,
        expected=(DependencyUnavailable, SQLAlchemyError),
        level=logging.DEBUG,  # the database's own alert tells of it
    )
