"""The sweeper: returns to the shelf what was reserved and neither confirmed nor released in time.

Every replica runs one; `SKIP LOCKED` keeps them out of each other's way.
"""

import asyncio
import random

from opentelemetry.instrumentation.utils import suppress_instrumentation

from services.products.store import SWEEP_ROWS, Reservations
from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.telemetry import names
from stormglass.telemetry.logs import logger

_log = logger(__name__)


async def sweep_for_ever(reservations: Reservations, seconds: float) -> None:
    """Expire what is overdue, then wait `seconds`, give or take a fifth; go on at once while there is more."""
    with suppress_instrumentation():  # a poll must not be a trace of its own every time
        while True:
            if await sweep(reservations) < SWEEP_ROWS:
                await asyncio.sleep(seconds * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load, protects nothing


async def sweep(reservations: Reservations) -> int:
    """One round; how many reservations it expired. A round that fails is logged, counted and left to the next."""
    try:
        ended = await reservations.expire()
    except DependencyUnavailable as error:
        names.SWEEPER_ERRORS.counter().labels("unavailable").inc()
        _log.warning("sweeper: database unavailable", reason=str(error))
        return 0
    except Exception:  # noqa: BLE001 - whatever it was: without a sweeper, stock would be held for ever
        names.SWEEPER_ERRORS.counter().labels("unexpected").inc()
        _log.exception("sweeper: a round failed")
        return 0
    if ended:
        names.RESERVATIONS.counter().labels("expired").inc(len(ended))
        _log.info("reservations expired", orders=[str(each.order_id) for each in ended])
    return len(ended)
