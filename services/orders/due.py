"""Whether orders are settled in time: asked once of each, when it turns ten seconds old.

What is observed when an order is settled says nothing of one that never is, and comparing two counters that are read at
different moments errs by more than the objective allows. Here both shares of the objective come from one look.

An order is as old as its id, which is chosen when its key is claimed. One that is stored more than ten seconds later
(the first attempt crashed, another took over when the lease ended) comes too late to be asked about: it is not counted.
"""

import logging
import time
import uuid
from contextlib import AbstractAsyncContextManager

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from stormglass.data.database import Database
from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.service.periodic import periodically
from stormglass.telemetry import names

DUE_SECONDS = 10.0
"""The objective, see observability/slo/confirmation.yaml."""

EVERY_SECONDS = 2.0

# ids are UUIDv7, so the primary key is an index by time
_COUNT = """
SELECT count(*) FILTER (WHERE status = 'pending') AS overdue, count(*) AS due
FROM orders WHERE id >= :since AND id < :until
"""


class Due:
    """The orders that come of age, from now on; every replica counts all of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counted = time.time() - DUE_SECONDS

    async def look(self) -> None:
        """Count those since the last look; after a look that fails the next one counts them too."""
        until = time.time() - DUE_SECONDS
        async with self._database.session() as session:
            bounds = {"since": _first_id(self._counted), "until": _first_id(until)}
            row = (await session.execute(text(_COUNT), bounds)).one()
        self._counted = until
        names.ORDERS_DUE.counter().labels("overdue").inc(row.overdue)
        names.ORDERS_DUE.counter().labels("settled").inc(row.due - row.overdue)


def _first_id(seconds: float) -> uuid.UUID:
    """The smallest UUIDv7 of that moment: its first 48 bits are milliseconds (RFC 9562, 5.7)."""
    return uuid.UUID(int=int(seconds * 1000) << 80)


def counting(database: Database) -> AbstractAsyncContextManager[None]:
    """Look again and again while the block runs."""
    return periodically(
        Due(database).look,
        name="orders due",
        seconds=EVERY_SECONDS,
        expected=(DependencyUnavailable, SQLAlchemyError),
        level=logging.DEBUG,  # the database's own alert tells of it
    )
