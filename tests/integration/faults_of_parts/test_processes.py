"""Processes killed, frozen, slow to start, fewer: what the platform promises, and that all of it ends."""

import json
from typing import Any

import psutil
import pytest

from chaos.engine.model import Fault, Refused
from chaos.keeper.client import KeeperClient
from services.shopper import ShopError, Shopper
from stormglass.runtime.manager import Manager
from stormglass.runtime.overrides import overrides
from stormglass.testing import Platform, eventually
from tests.integration.faults_of_parts.conftest import Put
from tests.integration.faults_of_parts.shop import FRESH


def _pid(platform: Platform, replica: str) -> int:
    return Manager(platform.instance).info(replica).pid


def _failures(shopper: Shopper, requests: int) -> int:
    failed = 0
    for _ in range(requests):
        try:
            shopper.request("GET", "/products", params={"limit": 1}, headers=FRESH)
        except ShopError:
            failed += 1
    return failed


@pytest.mark.parametrize("kind", ["kill", "restart"])
def test_a_replica_that_ends_is_back_when_the_fault_is_undone(
    platform: Platform, put: Put, shopper: Shopper, kind: str
) -> None:
    before = _pid(platform, "products-1")
    with put("products-1", kind) as fault:
        assert str(before) in fault.observation
        # the manager reaps once a second
        eventually(lambda: not psutil.pid_exists(before), what="the process is gone")
    assert _pid(platform, "products-1") not in {0, before}
    assert _row(platform, "products-1")["ready"]
    assert shopper.products(limit=1)


def test_a_frozen_replica_is_routed_around_and_goes_on_as_the_same_process(
    platform: Platform, put: Put, shopper: Shopper
) -> None:
    before = _pid(platform, "products-1")
    with put("products-1", "stop") as fault:
        assert "1 of 1 processes are stopped" in fault.observation
        eventually(
            lambda: _failures(shopper, 5) == 0, seconds=30, every=1.0, what="nobody is sent to the frozen replica"
        )
        assert Manager(platform.instance).info("products-1").state == "RUNNING", "the manager is not confused"
    assert _pid(platform, "products-1") == before
    assert psutil.Process(before).status() != psutil.STATUS_STOPPED


def _status(process: psutil.Process) -> str:
    """Empty for one that has ended."""
    try:
        return str(process.status())
    except psutil.NoSuchProcess:
        return ""


def test_a_frozen_postgres_goes_on_with_all_its_processes(platform: Platform, put: Put, shopper: Shopper) -> None:
    with put("postgres", "stop") as fault:
        frozen = [psutil.Process(pid) for pid, _ in fault.record["frozen"] if psutil.pid_exists(pid)]
        assert len(frozen) > 1
        # whoever ended just before it was to be frozen is not reaped while the postmaster is frozen
        assert {_status(process) for process in frozen} - {psutil.STATUS_ZOMBIE} == {psutil.STATUS_STOPPED}
    assert psutil.STATUS_STOPPED not in {_status(process) for process in frozen if process.is_running()}
    eventually(lambda: shopper.products(limit=1), seconds=60, what="the catalogue")


def test_a_frozen_replica_that_is_restarted_meanwhile_is_no_difficulty(platform: Platform, put: Put) -> None:
    with put("orders-2", "stop"):
        before = _pid(platform, "orders-2")
        platform.run("restart", "orders-2")
        after = _pid(platform, "orders-2")
        assert after != before
    assert _pid(platform, "orders-2") == after, "the new process has nothing to do with the fault"


def test_a_slow_start_is_slow_again_when_the_replica_dies_and_ends_at_once(
    platform: Platform, put: Put, shopper: Shopper
) -> None:
    with put("orders-2", "slow-start", delay="60s") as fault:
        assert "not listening" in fault.observation
        before = _pid(platform, "orders-2")
        platform.run("kill", "orders-2")
        eventually(lambda: _pid(platform, "orders-2") not in {0, before}, seconds=30, what="a new process")
        assert not _row(platform, "orders-2")["ready"]
        assert overrides(platform.instance)["orders-2"]
    assert _row(platform, "orders-2")["ready"]
    assert "orders-2" not in overrides(platform.instance)


def _row(platform: Platform, replica: str) -> dict[str, Any]:
    # exit code 3 says that not everything is ready
    report = json.loads(platform.run("status", "--json", check=False))
    return dict(next(row for row in report["rows"] if row["replica"] == replica))


def test_fewer_replicas_lose_no_request_and_come_back(platform: Platform, put: Put, shopper: Shopper) -> None:
    with put("products", "scale-down"):
        assert platform.instance.replicas["products"] == 1
        assert _pid(platform, "products-2") == 0
        assert _failures(shopper, 20) == 0
    assert platform.instance.replicas["products"] == 2
    assert _pid(platform, "products-2") > 0


@pytest.mark.parametrize("kind", ["kill", "stop", "restart", "slow-start"])
@pytest.mark.parametrize(("target", "why"), [("faults", "takes every fault back"), ("faultproxy", "every connection")])
def test_what_takes_faults_back_cannot_be_broken_by_one(platform: Platform, kind: str, target: str, why: str) -> None:
    with KeeperClient(platform.instance) as keeper, pytest.raises(Refused, match=why):
        keeper.add(target, kind)


def test_there_is_nothing_to_scale_down(platform: Platform) -> None:
    with KeeperClient(platform.instance) as keeper, pytest.raises(Refused, match="1 replicas"):
        keeper.add("users", "scale-down")


def _burners(fault: Fault) -> list[int]:
    return [process.pid for process in psutil.process_iter() if fault.id in _words(process)]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_burners_end_with_the_fault_and_the_replica_gets_its_cores_back(platform: Platform, put: Put) -> None:
    cores = _cores(_pid(platform, "orders-1"))
    with put("orders-1", "cpu", count=3) as fault:
        assert len(_burners(fault)) == 3
        assert len(_cores(_pid(platform, "orders-1"))) == min(1, len(cores))
    assert _burners(fault) == []
    assert _cores(_pid(platform, "orders-1")) == cores


def _cores(pid: int) -> list[int]:
    process = psutil.Process(pid)
    return process.cpu_affinity() if hasattr(process, "cpu_affinity") else []


def test_burners_die_with_the_keeper_and_the_next_one_starts_others(platform: Platform, put: Put) -> None:
    with put("orders-1", "cpu", count=1) as fault:
        (before,) = _burners(fault)
        platform.run("kill", "faults")
        eventually(lambda: not psutil.pid_exists(before), seconds=10, what="the burner is gone")
        eventually(lambda: len(_burners(fault)) == 1, seconds=60, what="another burner")
    assert _burners(fault) == []


def test_memory_is_held_and_given_back(platform: Platform, put: Put) -> None:
    with put("machine", "memory", size="64MiB") as fault:
        (holder,) = _burners(fault)
        assert psutil.Process(holder).memory_info().rss >= 64 << 20
    assert not psutil.pid_exists(holder)


def test_so_much_memory_that_the_machine_would_suffer_is_refused(platform: Platform) -> None:
    with KeeperClient(platform.instance) as keeper, pytest.raises(Refused, match="have to stay"):
        keeper.add("machine", "memory", {"size": psutil.virtual_memory().total >> 20})
