"""Whatever happens at the same time, to whichever products: no unit appears, disappears or is counted twice."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from services.products.store import Outcome, Reservations
from stormglass.data.database import Database
from stormglass.service import Problem
from stormglass.testing import Platform
from tests.integration.products.shop import Units, counted, make_due, pool, stock_up

GOODS = 2
ORDERS = 2
HOLD_SECONDS = 3600.0

_baskets = st.dictionaries(st.integers(0, GOODS - 1), st.integers(1, 3), min_size=1)
_reserve = st.tuples(st.just("reserve"), st.integers(0, ORDERS - 1), _baskets)
_other: st.SearchStrategy[tuple[str, int, dict[int, int]]] = st.tuples(
    st.sampled_from(["confirm", "release", "take_back", "expire"]), st.integers(0, ORDERS - 1), st.just({})
)
_step = st.tuples(st.integers(0, 1), st.one_of(_reserve, _other))
"""Which of two pools does it, what, for which order, and which units of which goods."""

REFUSALS = {"insufficient-stock", "reservation-differs", "reservation-expired", "reservation-confirmed"}


class Shop(RuleBasedStateMachine):
    """Two replicas over one database; each rule lets several things happen at the same time."""

    platform: Platform

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.run = self.runner.run
        self.reservation_of: dict[uuid.UUID, uuid.UUID] = {}
        self.ended: dict[uuid.UUID, str] = {}

    @initialize(units=st.lists(st.integers(3, 9), min_size=GOODS, max_size=GOODS))
    def open(self, units: list[int]) -> None:
        self.run(self._open(units))

    async def _open(self, units: list[int]) -> None:
        self.pools = [pool(self.platform, 4), pool(self.platform, 4)]
        self.replicas = [Reservations(each, HOLD_SECONDS) for each in self.pools]
        self.goods = await stock_up(self.pools[0], *units)
        self.orders = [uuid.uuid4() for _ in range(ORDERS)]

    @rule(steps=st.lists(_step, min_size=1, max_size=6))
    def at_the_same_time(self, steps: list[tuple[int, tuple[str, int, dict[int, int]]]]) -> None:
        self.run(self._all(steps))

    async def _all(self, steps: list[tuple[int, tuple[str, int, dict[int, int]]]]) -> None:
        await asyncio.gather(*(self._one(self.replicas[replica], *step) for replica, step in steps))

    @rule(which=st.sets(st.integers(0, ORDERS - 1), min_size=1), swept=st.booleans())
    def time_passes(self, which: set[int], *, swept: bool) -> None:
        for number in which:
            self.run(make_due(self.pools[0], self.orders[number]))
        if swept:
            self.run(self.replicas[1].expire())

    @rule(number=st.integers(0, ORDERS - 1), basket=_baskets)
    def one_reserves_alone(self, number: int, basket: dict[int, int]) -> None:
        self.run(self._one(self.replicas[0], "reserve", number, basket))

    @rule(number=st.integers(0, ORDERS - 1), what=st.sampled_from(["confirm", "release", "take_back"]))
    def one_ends_alone(self, number: int, what: str) -> None:
        self.run(self._one(self.replicas[1], what, number, {}))

    async def _one(self, replica: Reservations, what: str, number: int, basket: dict[int, int]) -> None:
        order = self.orders[number]
        known = self.reservation_of.get(order)
        wanted = {self.goods[index]: quantity for index, quantity in basket.items()}
        if what == "reserve":
            outcome = await allowed(lambda: replica.reserve(order, wanted))
            if outcome is not None:
                assert {item.product_id: item.quantity for item in outcome.items} == wanted
                self.reservation_of[order] = outcome.reservation.id
        elif what == "expire":
            await replica.expire()
        elif known is not None:
            act = {"confirm": replica.confirm, "release": replica.release, "take_back": replica.take_back}[what]
            outcome = await allowed(lambda: act(known))
            if outcome is not None and outcome.changed:
                # what is sold can be taken back; everything else ends once
                before = self.ended.get(known)
                assert before is None or (before, what) == ("confirm", "take_back"), f"{before}, and then {what}"
                self.ended[known] = what

    @invariant()
    def every_unit_is_accounted_for(self) -> None:
        if hasattr(self, "goods"):
            self.run(counted(self.pools[1], self.goods))

    def teardown(self) -> None:
        for each in getattr(self, "pools", []):
            self.run(each.engine.dispose())
        self.runner.close()


async def allowed(act: Callable[[], Awaitable[Outcome]]) -> Outcome | None:
    """What came of it; None if it was refused for one of the reasons that there are."""
    try:
        return await act()
    except Problem as problem:
        if problem.kind not in REFUSALS:
            raise
        return None


def test_stock_is_conserved_under_any_sequence_of_concurrent_steps(platform: Platform) -> None:
    bound: Any = type("Bound", (Shop,), {"platform": platform})
    wanted = settings(
        max_examples=60,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        # no shrinking: it takes minutes against a real database, and a race does not repeat itself anyway
        phases=(Phase.explicit, Phase.generate),
        database=None,
    )
    run_state_machine_as_test(bound, settings=wanted)


FREE, SOLD = Units(available=5, reserved=0, sold=0), Units(available=3, reserved=0, sold=2)


@pytest.mark.parametrize("second", ["confirm", "release", "take_back", "expire"])
@pytest.mark.parametrize(
    ("first", "then"), [("confirm", SOLD), ("release", FREE), ("take_back", FREE), ("expire", FREE)]
)
async def test_what_has_ended_does_not_end_again(first: str, then: Units, second: str, database: Database) -> None:
    (lens,) = await stock_up(database, 5)
    replica = Reservations(database, HOLD_SECONDS)
    # another order's units are held beside it: what goes wrong must not be hidden by "never below zero"
    await replica.reserve(uuid.uuid4(), {lens: 2})
    held = (await replica.reserve(uuid.uuid4(), {lens: 2})).reservation
    for what in (first, second):
        if what == "expire":
            await make_due(database, held.order_id)
            await replica.expire(order_id=held.order_id)
        else:
            ends = {"confirm": replica.confirm, "release": replica.release, "take_back": replica.take_back}
            await allowed(partial(ends[what], held.id))
    expected = FREE if (first, second) == ("confirm", "take_back") else then
    assert await counted(database, [lens]) == {lens: Units(expected.available - 2, 2, expected.sold)}


async def test_confirming_races_the_sweepers(platform: Platform, database: Database) -> None:
    """Reservations come due while they are being confirmed and swept by two replicas: each ends exactly once."""
    goods = await stock_up(database, 200, 200)
    other = pool(platform)
    replicas = [Reservations(database, HOLD_SECONDS), Reservations(other, HOLD_SECONDS)]
    made = [(await replicas[0].reserve(uuid.uuid4(), {goods[0]: 1, goods[1]: 2})).reservation for _ in range(40)]
    # five are overdue already, five have all the time in the world, thirty come due in the middle of the race
    due = [-1.0] * 5 + [60.0] * 5 + [0.01 * number for number in range(30)]
    for each, seconds in zip(made, due, strict=True):
        await make_due(database, each.order_id, seconds)

    async def confirm(number: int, reservation: uuid.UUID) -> str:
        await asyncio.sleep(0.3 * random.random())
        outcome = await allowed(lambda: replicas[number % 2].confirm(reservation))
        return "expired" if outcome is None else str(outcome.reservation.status)

    async def sweep(replica: Reservations) -> None:
        for _ in range(60):
            await replica.expire()
            await asyncio.sleep(0.01)

    try:
        said, *_ = await asyncio.gather(
            asyncio.gather(*(confirm(number, each.id) for number, each in enumerate(made))), *map(sweep, replicas)
        )
        ended = [str((await replicas[0].get(each.id)).reservation.status) for each in made]
    finally:
        await other.engine.dispose()
    assert said == ended, "what was answered must be what is so"
    assert set(ended[:5]) == {"expired"}
    assert set(ended[5:10]) == {"confirmed"}
    units = await counted(database, goods)
    assert units[goods[0]].sold == ended.count("confirmed")
    assert units[goods[1]].sold == 2 * ended.count("confirmed")
    assert units[goods[0]].reserved == units[goods[1]].reserved == 0
