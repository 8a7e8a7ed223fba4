import asyncio
import statistics
import time

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from stormglass.security import passwords
from stormglass.security.passwords import hash_password, password_fits


async def seconds(encoded: str | None) -> float:
    begun = time.perf_counter()
    assert not await password_fits(encoded, "wrong")
    return time.perf_counter() - begun


async def test_only_the_right_password_fits() -> None:
    encoded = await hash_password("correct horse")
    assert await password_fits(encoded, "correct horse")
    assert not await password_fits(encoded, "correct horse ")
    assert not await password_fits(encoded, "")
    assert await hash_password("correct horse") != encoded, "every hash has a salt of its own"


@pytest.mark.parametrize("encoded", [None, "", "x", "$argon2id$v=19$m=65536,t=3,p=4$bad"])
async def test_without_a_usable_hash_nothing_fits(encoded: str | None) -> None:
    assert not await password_fits(encoded, "")
    assert not await password_fits(encoded, "the password of an account that does not exist")


async def test_a_hash_costs_what_the_documentation_says() -> None:
    used = extract_parameters(await hash_password("x"))
    assert (used.type, used.memory_cost, used.time_cost, used.parallelism) == (Type.ID, 19 * 1024, 2, 1)


async def test_an_unknown_account_takes_as_long_as_a_wrong_password() -> None:
    encoded = await hash_password("right")
    wrong, unknown = [], []
    for _ in range(7):
        wrong.append(await seconds(encoded))
        unknown.append(await seconds(None))
    ratio = statistics.median(unknown) / statistics.median(wrong)
    assert 0.4 < ratio < 2.5


async def test_the_event_loop_goes_on_and_two_run_at_once_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    running = most = 0

    class Slow:
        def hash(self, password: str) -> str:
            nonlocal running, most
            running += 1
            most = max(most, running)
            time.sleep(0.1)
            running -= 1
            return password

    monkeypatch.setattr(passwords, "_hasher", Slow())
    work = [asyncio.create_task(hash_password(str(n))) for n in range(6)]
    ticks = 0
    await asyncio.sleep(0.02)
    for task in work[:2]:  # a caller that gives up leaves its hash running; no third one may begin beside it
        task.cancel()
    while not all(task.done() for task in work):
        await asyncio.sleep(0.005)
        ticks += 1
    assert most == 2
    assert ticks > 10
    assert [task.result() for task in work[2:]] == ["2", "3", "4", "5"]
