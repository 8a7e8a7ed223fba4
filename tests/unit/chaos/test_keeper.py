"""The keeper's promises, with kinds of fault that fail in every way a kind can."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.engine import registry
from chaos.engine.context import Context
from chaos.engine.engine import Engine, NotApplied
from chaos.engine.journal import Journal
from chaos.engine.model import Fault, FaultKind, NotBiting, Record, Refused, Request, State
from chaos.keeper import life
from chaos.keeper.keeper import Keeper


class Switch(FaultKind):
    """Something that can be on; each of its steps can be told to fail or to wait."""

    name = "switch"
    summary = "is on"

    def __init__(self) -> None:
        self.on: set[str] = set()
        self.apply_error: Exception | None = None
        self.bites_error: Exception | None = None
        self.undo_errors = 0
        self.undone_at: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()

    def targets(self, context: Context) -> list[str]:
        return ["lamp", "fan"]

    async def prepare(self, context: Context, request: Request) -> Record:
        return {"prepared": True}

    async def apply(self, context: Context, fault: Fault) -> Record:
        self.on.add(fault.id)
        await self.gate.wait()
        if self.apply_error:
            raise self.apply_error
        return {"applied": True}

    async def undo(self, context: Context, fault: Fault) -> None:
        if self.undo_errors:
            self.undo_errors -= 1
            raise OSError("the switch is stuck")
        self.on.discard(fault.id)
        self.undone_at.append(time.time())

    async def bites(self, context: Context, fault: Fault) -> str:
        if self.bites_error:
            raise self.bites_error
        return "it shines"

    async def restore(self, context: Context, fault: Fault) -> bool:
        lost = fault.id not in self.on
        self.on.add(fault.id)
        return lost


@pytest.fixture
def switch(monkeypatch: pytest.MonkeyPatch) -> Switch:
    kind = Switch()
    monkeypatch.setattr(registry, "kinds", lambda: {"switch": kind})
    monkeypatch.setattr(life, "RESTORE_SECONDS", 0.05)
    monkeypatch.setattr(life, "FIRST_PAUSE_SECONDS", 0.05)
    return kind


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    with Journal(tmp_path / "journal") as journal:
        yield Engine(Context("nowhere"), journal)


@pytest.fixture
async def keeper(engine: Engine, switch: Switch) -> AsyncIterator[Keeper]:
    made = Keeper(engine)
    yield made
    await made.stop()


def wanted(target: str = "lamp", ttl: float = 60.0) -> Request:
    return Request(target, "switch", ttl_seconds=ttl)


async def until_ended(engine: Engine, identity: str) -> Fault:
    async with asyncio.timeout(20):
        while (fault := engine.journal.get(identity)).state is not State.ENDED:  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.005)
    return fault


async def test_a_fault_lasts_its_time_and_not_longer(keeper: Keeper, engine: Engine, switch: Switch) -> None:
    fault = await keeper.add(wanted(ttl=0.4))
    assert (fault.state, fault.observation) == (State.ACTIVE, "it shines")
    assert fault.record == {"prepared": True, "applied": True}
    assert switch.on == {fault.id}
    await until_ended(engine, fault.id)
    assert not switch.on
    assert -0.01 < switch.undone_at[0] - fault.expires_at < 0.3


async def test_undo_is_repeated_until_it_works_and_says_meanwhile_why_not(
    keeper: Keeper, engine: Engine, switch: Switch
) -> None:
    switch.undo_errors = 3
    fault = await keeper.add(wanted())
    (first,) = await keeper.clear([fault])
    assert (first.state, first.attempts, first.reason) == (State.FAILED, 1, "OSError: the switch is stuck")
    ended = await until_ended(engine, fault.id)
    assert (ended.attempts, ended.reason, switch.on) == (3, "", set())


async def test_clearing_again_does_not_wait_for_the_pause(
    keeper: Keeper, switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "FIRST_PAUSE_SECONDS", 60.0)
    switch.undo_errors = 1
    fault = await keeper.add(wanted())
    assert [each.state for each in await keeper.clear([fault])] == [State.FAILED]
    assert [each.state for each in await keeper.clear([fault])] == [State.ENDED]


async def test_what_fails_half_way_is_taken_back(keeper: Keeper, engine: Engine, switch: Switch) -> None:
    switch.apply_error = OSError("no power")
    with pytest.raises(NotApplied, match="no power"):
        await keeper.add(wanted())
    assert not switch.on
    assert engine.journal.live() == []


@pytest.mark.parametrize("error", [NotBiting("it is dark"), OSError("nobody looks")])
async def test_what_has_no_effect_is_an_error_and_taken_back(
    keeper: Keeper, engine: Engine, switch: Switch, error: Exception
) -> None:
    switch.bites_error = error
    with pytest.raises(NotApplied, match=str(error)):
        await keeper.add(wanted())
    assert not switch.on
    assert engine.journal.live() == []


async def test_clearing_while_it_is_being_put_leaves_nothing(keeper: Keeper, engine: Engine, switch: Switch) -> None:
    switch.gate.clear()
    adding = asyncio.create_task(keeper.add(wanted()))
    async with asyncio.timeout(10):
        while not switch.on:  # noqa: ASYNC110 - set by the code under test
            await asyncio.sleep(0.005)
    clearing = asyncio.create_task(keeper.clear(keeper.live()))
    await asyncio.sleep(0.05)
    switch.gate.set()
    (cleared,) = await clearing
    await adding
    assert cleared.state is State.ENDED
    assert not switch.on


async def test_a_fault_cleared_from_the_journal_while_it_is_being_put_is_taken_back_after_all(
    keeper: Keeper, engine: Engine, switch: Switch
) -> None:
    switch.gate.clear()
    adding = asyncio.create_task(keeper.add(wanted()))
    async with asyncio.timeout(10):
        while not switch.on:  # noqa: ASYNC110 - set by the code under test
            await asyncio.sleep(0.005)
    (fault,) = engine.journal.live()
    await engine.undo(fault)
    switch.on.add(fault.id)  # what the rest of apply() does after the undo of somebody else
    switch.gate.set()
    with pytest.raises(NotApplied, match="cleared while"):
        await adding
    assert not switch.on
    assert engine.journal.live() == []


async def test_the_next_keeper_undoes_what_is_half_done_or_over_and_lets_the_rest_last(
    engine: Engine, switch: Switch
) -> None:
    before = Keeper(engine)
    lasting, over = await before.add(wanted("lamp", 1.0)), await before.add(wanted("fan", 60.0))
    await before.stop()
    engine.journal.change(over.id, expires_at=time.time() - 1)
    half = replace(lasting, id="half", target="half", state=State.INTENDED, record={})
    stuck = replace(lasting, id="stuck", target="stuck", state=State.FAILED)
    engine.journal.add(half)
    engine.journal.add(stuck)
    switch.on |= {"half", "stuck"}
    after = Keeper(engine)
    after.start()
    for identity in (over.id, "half", "stuck"):
        await until_ended(engine, identity)
    assert switch.on == {lasting.id}
    await until_ended(engine, lasting.id)
    assert not switch.on
    assert -0.01 < switch.undone_at[-1] - lasting.expires_at < 0.3
    await after.stop()


async def test_a_clock_that_was_set_back_does_not_prolong_a_fault(engine: Engine, switch: Switch) -> None:
    before = Keeper(engine)
    fault = await before.add(wanted(ttl=0.5))
    await before.stop()
    engine.journal.change(fault.id, expires_at=time.time() + 86_400)
    after = Keeper(engine)
    begin = time.monotonic()
    after.start()
    await until_ended(engine, fault.id)
    assert time.monotonic() - begin < 5
    await after.stop()


async def test_what_somebody_else_took_away_is_put_back_while_it_lasts(
    keeper: Keeper, engine: Engine, switch: Switch
) -> None:
    fault = await keeper.add(wanted())
    switch.on.clear()
    async with asyncio.timeout(10):
        while engine.journal.get(fault.id).restored == 0:  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.01)
    assert switch.on == {fault.id}


async def test_a_fault_that_was_undone_from_the_journal_is_not_put_back(
    keeper: Keeper, engine: Engine, switch: Switch
) -> None:
    fault = await keeper.add(wanted())
    await engine.undo(fault)
    await asyncio.sleep(0.3)
    assert not switch.on
    assert (await keeper.clear([fault]))[0].state is State.ENDED


async def test_one_target_has_a_type_of_fault_once(keeper: Keeper, switch: Switch) -> None:
    fault = await keeper.add(wanted())
    with pytest.raises(Refused, match=f"fault clear {fault.id}"):
        await keeper.add(wanted())
    await keeper.add(wanted("fan"))
    await keeper.clear([fault])
    await keeper.add(wanted())


async def test_whoever_asked_may_go_away_and_the_fault_still_lives_its_life(
    keeper: Keeper, engine: Engine, switch: Switch
) -> None:
    switch.gate.clear()
    adding = asyncio.create_task(keeper.add(wanted(ttl=0.3)))
    async with asyncio.timeout(10):
        while not switch.on:  # noqa: ASYNC110 - set by the code under test
            await asyncio.sleep(0.005)
    adding.cancel()
    switch.gate.set()
    (fault,) = engine.journal.live()
    await until_ended(engine, fault.id)
    assert not switch.on
