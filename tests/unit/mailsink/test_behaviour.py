from worker.mailsink.behaviour import NORMAL, BehaviourSwitch, DropAfterData, Refuse, Tarpit


async def test_normal_behaviour_disturbs_nothing() -> None:
    assert await NORMAL.on_session() is None
    assert await NORMAL.on_recipient() is None
    await NORMAL.before_reply()
    assert await NORMAL.acknowledges()


def test_a_fault_ends_by_itself() -> None:
    now = 100.0
    switch = BehaviourSwitch(clock=lambda: now)
    assert (switch.current, switch.remaining_seconds) == (NORMAL, 0.0)
    switch.set(Refuse(), ttl_seconds=5)
    now = 104.9
    assert switch.current == Refuse()
    now = 105.0
    assert (switch.current, switch.remaining_seconds) == (NORMAL, 0.0)


def test_the_last_fault_counts_and_reset_ends_it() -> None:
    switch = BehaviourSwitch(clock=lambda: 1.0)
    switch.set(Refuse(), ttl_seconds=60)
    switch.set(Tarpit(2.0), ttl_seconds=30)
    assert (switch.current, switch.remaining_seconds) == (Tarpit(2.0), 30.0)
    switch.reset()
    assert switch.current is NORMAL


async def test_each_fault_overrides_its_own_step_only() -> None:
    refusal = await Refuse().on_session()
    assert refusal is not None
    assert refusal.startswith("421 ")
    assert not await DropAfterData().acknowledges()
    assert await DropAfterData().on_session() is None
    assert await Tarpit(1.0).on_session() is None
