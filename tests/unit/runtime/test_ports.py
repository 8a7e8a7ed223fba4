"""Blocks of ports: disjoint, free, and a taken port names who has it."""

import os
import socket
from pathlib import Path

import pytest

from stormglass.runtime import ports
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance
from stormglass.topology import BLOCK, TOPOLOGY


def test_a_block_holds_every_port_once() -> None:
    used = ports.used_by(20000)
    assert len(used) == len(set(used))
    assert min(used) == 20000
    assert max(used) == TOPOLOGY.manager_port(20000) == 20000 + BLOCK - 1


def test_demo_has_its_own_block_and_others_get_one_nobody_was_given(tmp_path: Path) -> None:
    assert ports.choose_base("demo", tmp_path) == ports.FIRST
    first = ports.choose_base("other", tmp_path)
    Instance("other", tmp_path, first).save()
    second = ports.choose_base("third", tmp_path)
    assert first >= ports.FIRST + BLOCK
    assert second >= first + BLOCK


def test_a_block_with_one_taken_port_is_passed_over(tmp_path: Path) -> None:
    base = ports.choose_base("other", tmp_path)
    with socket.socket() as taken:
        # as servers do: connections of an instance that has just stopped may still be in TIME_WAIT there
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", TOPOLOGY.port(base, "orders", 2)))
        taken.listen()
        assert ports.choose_base("other", tmp_path) > base


def test_no_port_is_given_twice_and_none_that_somebody_has() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports.free_port()))
        taken.listen()
        given = [ports.free_port() for _ in range(200)]
        assert len({*given, taken.getsockname()[1]}) == 201
    assert set(given) <= set(ports.PASSING)


def test_when_all_are_taken_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "free", lambda _port: False)
    with pytest.raises(RuntimeFailure, match="every port from 26000 to 32767"):
        ports.free_port()


def test_a_taken_port_is_reported_with_its_holder(instance: Instance) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RuntimeFailure) as error:
            ports.check_free(instance, {"orders-1": port})
    assert f"port {port}, wanted by orders-1, is held by process {os.getpid()} (" in str(error.value)
    assert "--base-port" in str(error.value)
