"""The sweeper: returns to the shelf what was reserved and neither confirmed nor released in time.

Every replica runs one; `SKIP LOCKED` keeps them out of each other's way.
"""

from contextlib import AbstractAsyncContextManager
from functools import partial

from services.products.store import SWEEP_ROWS, Reservations
from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.service.periodic import periodically
from stormglass.telemetry import names
from stormglass.telemetry.logs import logger

_log = logger(__name__)


def sweeping(reservations: Reservations, seconds: float) -> AbstractAsyncContextManager[None]:
    """Sweep while the block runs, every `seconds`, give or take a fifth."""
    job = partial(sweep, reservations)
    return periodically(job, name="sweeper", seconds=seconds, spread=0.2, expected=(DependencyUnavailable,))


async def sweep(reservations: Reservations) -> None:
    """Expire all that is overdue. A round that fails is counted, and leaves the rest to the next."""
    ended = SWEEP_ROWS
    while ended == SWEEP_ROWS:
        ended = await _expire(reservations)


async def _expire(reservations: Reservations) -> int:
    try:
        ended = await reservations.expire()
    except Exception as error:
        cause = "unavailable" if isinstance(error, DependencyUnavailable) else "unexpected"
        names.SWEEPER_ERRORS.counter().labels(cause).inc()
        raise
    if ended:
        names.RESERVATIONS.counter().labels("expired").inc(len(ended))
        _log.info("reservations expired", orders=[str(each.order_id) for each in ended])
    return len(ended)
