"""The keeper ends a fault in time, whatever else is killed or hangs; any proxy server will do."""

import os
import signal
import time

import psutil
import pytest

from chaos.engine.model import State
from stormglass.testing import eventually
from tests.integration.faults.conftest import HAVE, Stage

pytestmark = pytest.mark.parametrize("running", HAVE[:1], indirect=True, scope="module")

EDGE = "users→redis"
LATE_SECONDS = 0.3


def test_a_fault_ends_within_300_ms_of_its_time(stage: Stage) -> None:
    late: list[float] = []
    for _ in range(3):
        fault = stage.add(EDGE, "latency", "latency=5", "--ttl", "2s")
        while stage.proxy(EDGE).toxics:
            assert time.time() < fault["expires_at"] + 10
        late.append(time.time() - fault["expires_at"])
        stage.until_ended(fault["id"])
    assert all(0 <= seconds < 10 for seconds in late), late
    # our own question counts as well, and a busy machine may hold up any single one of them
    assert min(late) < LATE_SECONDS, late


def test_the_command_may_be_killed_as_soon_as_it_has_asked(stage: Stage) -> None:
    command = stage.bench.start("fault", "add", EDGE, "latency", "latency=5s", "--ttl", "6s")
    with stage.keeper() as keeper:
        (fault,) = eventually(keeper.live, every=0.01, what="the fault is known")
    command.kill()
    command.communicate()
    assert command.returncode == -signal.SIGKILL
    ended = stage.until_ended(fault.id)
    assert stage.proxy(EDGE).toxics == ()
    assert time.time() - ended.expires_at < 5


def test_a_killed_keeper_is_restarted_and_ends_the_fault_in_time(stage: Stage) -> None:
    fault = stage.add(EDGE, "latency", "latency=5", "--ttl", "18s")
    other = stage.add("orders→redis", "latency", "latency=5", "--ttl", "600s")
    before = stage.pid("faults")
    # so old that a keeper which counted its time from the restart on would end it too late to pass below
    eventually(lambda: time.time() > fault["expires_at"] - 12, what="the fault is 6 s old")
    os.kill(before, signal.SIGKILL)
    eventually(lambda: stage.pid("faults") != before, what="the keeper is restarted")
    stage.until_ended(fault["id"])
    assert stage.proxy(EDGE).toxics == ()
    assert 0 <= time.time() - fault["expires_at"] < 5
    assert [each["id"] for each in stage.faults()] == [other["id"]]
    assert len(stage.proxy("orders→redis").toxics) == 1


def test_clear_works_while_the_keeper_hangs_and_stays_cleared_when_it_goes_on(stage: Stage) -> None:
    fault = stage.add(EDGE, "latency", "latency=5", "--ttl", "600s")
    pid = stage.pid("faults")
    os.kill(pid, signal.SIGSTOP)
    try:
        stage.bench.run("fault", "clear", EDGE)
        assert stage.proxy(EDGE).toxics == ()
    finally:
        os.kill(pid, signal.SIGCONT)
    # longer than the keeper takes to look after its faults
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert stage.proxy(EDGE).toxics == ()
        time.sleep(0.1)
    assert stage.journal(fault["id"]).state is State.ENDED


def test_everything_of_the_platform_may_be_down(stage: Stage) -> None:
    fault = stage.add(EDGE, "latency", "latency=5", "--ttl", "3s")
    stopped = [psutil.Process(stage.pid(name)) for name in ("postgres", "redis", "mail")]
    for process in stopped:
        process.suspend()
    try:
        ended = stage.until_ended(fault["id"])
        assert stage.proxy(EDGE).toxics == ()
        assert time.time() - ended.expires_at < 5
    finally:
        for process in stopped:
            process.resume()
