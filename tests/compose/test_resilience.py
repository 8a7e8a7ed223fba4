"""What the containers do while parts of them fail: the same promises as natively, through the real Toxiproxy."""

import json
from typing import Any

import pytest

from tests.compose.conftest import Containers


def test_a_fault_on_an_edge_is_felt_and_taken_back(containers: Containers) -> None:
    fault = containers.json("fault", "add", "orders→postgres", "latency", "latency=300", "--ttl", "60s")
    assert "300" in json.dumps(fault)
    assert len(containers.json("fault", "list")["faults"]) == 1
    containers.run("fault", "clear")
    assert containers.json("fault", "list")["faults"] == []


def test_a_fault_of_a_process_is_refused_with_what_to_do_instead(containers: Containers) -> None:
    with pytest.raises(AssertionError, match="docker compose kill"):
        containers.run("fault", "add", "gateway-1", "stop")


@pytest.mark.parametrize("victim", ["gateway-1", "worker-1", "redis"])
def test_a_container_is_killed_under_load_and_no_promise_is_broken(
    containers: Containers, victim: str, record_property: Any
) -> None:
    load = containers.start("load", "--seconds", "25", "--rate", "8", "--json")
    assert load.stderr is not None
    for line in load.stderr:
        if "requests/s" in line:  # it has begun
            break
    containers.run("kill", victim)
    out, _ = load.communicate(timeout=240)
    report = json.loads(out)
    record_property("figures", json.dumps(report))
    assert load.returncode == 0, report
    orders = report["orders"]
    assert orders["acknowledged"] > 0
    assert (orders["lost"], orders["mailed_twice"], orders["unmailed"], orders["pending"]) == (0, 0, 0, 0)
    assert report["errors"] < report["requests"] / 2
    containers.docker("compose", "up", "--detach", "--wait", timeout=300)
    assert containers.json("status")["state"] == "up"


@pytest.mark.parametrize("story", ["failover", "cache-fallback"])
def test_the_stories_are_told(containers: Containers, story: str, record_property: Any) -> None:
    report = containers.json("demo", story, "--rate", "8", timeout=400)
    record_property("figures", json.dumps(report))
    assert report["kept"] is True


def test_a_stopped_replica_drains_and_ends_by_itself(containers: Containers) -> None:
    containers.docker("compose", "stop", "orders-2")
    try:
        found = containers.docker("compose", "ps", "--all", "--format", "{{.Service}} {{.ExitCode}}", "orders-2")
        assert found.split() == ["orders-2", "0"], "137 would be a process that had to be killed"
        assert containers.json("order")["status"] == "confirmed"
    finally:
        containers.docker("compose", "up", "--detach", "--wait", timeout=300)
