"""The sweeper's rounds: what they count, and when they go on. The database's part is tested with a database."""

import uuid
from datetime import UTC, datetime
from typing import cast

import pytest
from prometheus_client import REGISTRY

from services.products.models import Reservation
from services.products.store import SWEEP_ROWS, Reservations
from services.products.sweeper import sweep
from stormglass.resilience.unavailable import DependencyUnavailable

LATE = Reservation(order_id=uuid.UUID(int=1), expires_at=datetime(2026, 1, 1, tzinfo=UTC))


class Overdue:
    """So many reservations are overdue, batch by batch; or it fails."""

    def __init__(self, *batches: int | Exception) -> None:
        self.batches = list(batches)

    async def expire(self) -> list[Reservation]:
        batch = self.batches.pop(0)
        if isinstance(batch, Exception):
            raise batch
        return [LATE] * batch


async def swept(overdue: Overdue) -> None:
    await sweep(cast(Reservations, overdue))


def failed(cause: str) -> float:
    return REGISTRY.get_sample_value("reservations_sweeper_errors_total", {"cause": cause}) or 0.0


def expired() -> float:
    return REGISTRY.get_sample_value("reservations_total", {"outcome": "expired"}) or 0.0


@pytest.mark.parametrize(
    "batches",
    [(0,), (3,), (SWEEP_ROWS, SWEEP_ROWS, 2), (SWEEP_ROWS, 0)],
    ids=["none", "some", "many", "exactly one batch"],
)
async def test_it_goes_on_while_batches_are_full(batches: tuple[int, ...]) -> None:
    overdue, before = Overdue(*batches, 7), expired()
    await swept(overdue)
    assert overdue.batches == [7], "that is for the next round"
    assert expired() - before == sum(batches)


@pytest.mark.parametrize(
    ("error", "cause", "other"),
    [
        (DependencyUnavailable("postgres", "it is away"), "unavailable", "unexpected"),
        (KeyError("a defect"), "unexpected", "unavailable"),
    ],
    ids=["outage", "defect"],
)
async def test_a_failure_ends_the_round_and_is_counted_by_its_cause(error: Exception, cause: str, other: str) -> None:
    before, not_before, expired_before = failed(cause), failed(other), expired()
    overdue = Overdue(SWEEP_ROWS, error, 7)
    with pytest.raises(type(error)):
        await swept(overdue)
    assert overdue.batches == [7]
    assert (failed(cause) - before, failed(other) - not_before) == (1, 0)
    assert expired() - expired_before == SWEEP_ROWS, "what was done is done"
