"""How many dead letters wait for somebody: measured, since they may be replayed or removed by anybody."""

import asyncio
from collections.abc import Iterable
from typing import NoReturn

from opentelemetry.instrumentation.utils import suppress_instrumentation
from sqlalchemy.exc import SQLAlchemyError

from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.telemetry import names
from worker.dead_letters import DeadLetters

EVERY_SECONDS = 2.0


async def measure_for_ever(letters: DeadLetters, tasks: Iterable[str]) -> NoReturn:
    """Look again and again; what cannot be looked at keeps the value it had."""
    known = set(tasks)
    with suppress_instrumentation():
        while True:
            try:
                waiting = await letters.waiting()
            except (DependencyUnavailable, SQLAlchemyError):
                pass  # the database's own alert tells of it
            else:
                for task in known | waiting.keys():
                    names.DEAD_LETTERS_WAITING.gauge().labels(task).set(waiting.get(task, 0))
                known |= waiting.keys()
            await asyncio.sleep(EVERY_SECONDS)
