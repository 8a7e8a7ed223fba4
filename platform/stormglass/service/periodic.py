"""What a process does again and again beside its requests: deleting what has ended, counting what waits."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from opentelemetry.instrumentation.utils import suppress_instrumentation

from stormglass.telemetry.logs import logger

CANCEL_SECONDS = 0.5
"""Between one cancellation and the next: a client library that is just cleaning up may swallow one."""

_log = logger(__name__)


@asynccontextmanager
async def periodically(
    job: Callable[[], Awaitable[object]],
    *,
    name: str,
    seconds: float,
    spread: float = 0.0,
    expected: tuple[type[Exception], ...] = (),
    level: int = logging.WARNING,
) -> AsyncIterator[None]:
    """Do a job while the block runs, untraced: at once, and again `seconds` after the last round has ended.

    No failure ends it. Each kind is logged when it begins, not once a round, and the next round that succeeds is logged
    as the end of all. `expected` are the kinds that need no traceback, logged at `level`; any other is an error.

    `spread` makes each pause shorter or longer by up to that share, so that replicas that started together part.
    """
    task = asyncio.create_task(_repeat(job, seconds, spread, _Failures(name, expected, level)), name=name)
    try:
        yield
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_SECONDS)


class _Failures:
    """The failures of one job since its last round that succeeded."""

    def __init__(self, job: str, expected: tuple[type[Exception], ...], level: int) -> None:
        self._job = job
        self._expected = expected
        self._level = level
        self._rounds = 0
        self._told: dict[type[BaseException], int] = {}

    def tell(self, error: BaseException) -> None:
        """One more round failed."""
        self._rounds += 1
        kind = type(error)
        if kind in self._told:
            return
        unexpected = not isinstance(error, self._expected)
        self._told[kind] = logging.ERROR if unexpected else self._level
        _log.log(
            self._told[kind],
            "periodic job failed, next time then",
            job=self._job,
            error=kind.__name__,
            reason=next(iter(str(error).splitlines()), ""),  # statement and parameters stand in the lines below
            exc_info=error if unexpected else None,
        )

    def tell_the_end(self) -> None:
        """A round succeeded. Whoever could read of the beginning can read of the end."""
        if self._told:
            level = min(logging.INFO, max(self._told.values()))
            _log.log(level, "periodic job succeeds again", job=self._job, failed_rounds=self._rounds)
            self._rounds = 0
            self._told.clear()


async def _repeat(job: Callable[[], Awaitable[object]], seconds: float, spread: float, failures: _Failures) -> None:
    with suppress_instrumentation():  # a poll must not be a trace of its own every time
        while True:
            await _round(job, failures)
            if _is_cancelled():
                return  # whatever the round made of it
            pause = seconds * random.uniform(1 - spread, 1 + spread)  # noqa: S311 - spreads load, protects nothing
            await asyncio.sleep(pause)


async def _round(job: Callable[[], Awaitable[object]], failures: _Failures) -> None:
    try:
        await job()
    # a round is also cancelled when what it waits for is, by somebody who does not mean the rounds to end
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever it is, the next round may succeed
        if not _is_cancelled():
            failures.tell(error)
    else:
        failures.tell_the_end()


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
