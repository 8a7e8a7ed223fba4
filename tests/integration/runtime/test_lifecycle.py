"""Starting and stopping under bad circumstances: whatever happened before, `up` starts and `down` leaves nothing."""

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from stormglass.runtime.ports import used_by
from stormglass.testing import eventually


def _manager(bench: Any) -> int:
    return int((bench.instance.run / "manager.pid").read_text())


def _bound(bench: Any) -> list[int]:
    ours = set(used_by(bench.instance.base_port))
    return [
        connection.laddr.port
        for connection in psutil.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port in ours
    ]


def test_down_leaves_nothing_and_up_keeps_the_data(fresh: Any) -> None:
    fresh.up()
    secret = fresh.instance.secret("users", "database_password")
    fresh.run("down")
    assert fresh.remains() == []
    assert _bound(fresh) == []
    assert fresh.status()["state"] == "down"
    fresh.run("down")
    fresh.up()
    assert fresh.instance.secret("users", "database_password") == secret
    fresh.run("down", "--purge")
    assert not fresh.instance_directory_exists()


def test_up_again_is_quick_and_changes_nothing(fresh: Any) -> None:
    fresh.up()
    before = {row["replica"]: row["pid"] for row in fresh.status()["rows"]}
    fresh.up()
    assert {row["replica"]: row["pid"] for row in fresh.status()["rows"]} == before


def test_a_killed_manager_comes_back_by_itself(fresh: Any) -> None:
    fresh.up()
    before = {row["replica"]: row["pid"] for row in fresh.status()["rows"]}
    os.kill(_manager(fresh), signal.SIGKILL)

    def back() -> bool:
        status = fresh.status()
        pids = {row["replica"]: row["pid"] for row in status["rows"]}
        return status["state"] == "up" and set(pids) == set(before) and not set(pids.values()) & set(before.values())

    eventually(back, seconds=90, every=0.5)
    eventually(lambda: len(_roots(fresh)) == 1, what="the recovery has ended and one manager is left")
    fresh.run("down")
    assert fresh.remains() == []


def _roots(bench: Any) -> list[psutil.Process]:
    return [p for p in bench.processes() if "supervisor.supervisord" in p.cmdline()]


def test_what_was_stopped_stays_down(fresh: Any) -> None:
    fresh.up()
    fresh.run("down")
    time.sleep(3)  # longer than the keeper would need to notice
    assert fresh.remains() == []


def test_up_cleans_up_after_everything_that_could_was_killed(fresh: Any) -> None:
    """The keeper and the manager at once: nobody is left who could bring the instance back but the next `up`."""
    fresh.up()
    keeper = fresh.row("keeper")["pid"]
    os.kill(keeper, signal.SIGSTOP)
    os.kill(_manager(fresh), signal.SIGKILL)
    os.kill(keeper, signal.SIGKILL)
    orphans = {process.pid for process in fresh.processes()}
    assert orphans
    _, err = fresh.up()
    assert "left over from an earlier run" in err
    assert fresh.is_up()
    assert not orphans & {process.pid for process in fresh.processes()}


def test_down_ends_orphans_too(fresh: Any) -> None:
    fresh.up("postgres,redis")
    os.kill(_manager(fresh), signal.SIGKILL)
    assert fresh.remains()
    fresh.run("down")
    assert fresh.remains() == []


def test_a_taken_port_is_reported_with_its_holder_and_nothing_is_left(fresh: Any) -> None:
    fresh.up("redis")
    fresh.run("down")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", fresh.instance.port("redis")))
        taken.listen()
        _, err = fresh.up("redis", code=1)
    assert f"wanted by redis, is held by process {os.getpid()}" in err
    assert fresh.remains() == []


def test_a_server_that_will_not_start_fails_up_with_its_last_words(fresh: Any) -> None:
    fresh.up("postgres,redis")
    fresh.run("down")
    (fresh.instance.data / "postgres" / "global" / "pg_control").write_bytes(b"broken")
    _, err = fresh.up("postgres,redis", code=1)
    assert "postgres does not come up" in err
    assert "pg_control" in err
    assert str(fresh.instance.log("postgres")) in err
    assert fresh.remains() == []


def test_interrupting_up_stops_what_it_started(fresh: Any) -> None:
    fresh.up("redis")
    fresh.run("down")
    starting = fresh.start("up")
    eventually(fresh.processes, what="something was started")
    starting.send_signal(signal.SIGINT)
    _, err = starting.communicate(timeout=90)
    assert starting.returncode == 130, err
    assert fresh.remains() == []


def test_a_second_command_is_told_who_works_on_the_instance(fresh: Any) -> None:
    fresh.up("redis")
    fresh.run("down")
    starting = fresh.start("up", "--only", "postgres,redis")
    eventually((fresh.root / "instances" / "fresh.lock").exists, every=0.01)
    _, err = fresh.run("up", "--only", "redis", code=1)
    assert f"process {starting.pid}" in err
    starting.communicate(timeout=90)
    assert starting.returncode == 0


def test_fresh_forgets_the_data(fresh: Any) -> None:
    fresh.up("redis")
    mark = fresh.instance.data / "redis" / "mark"
    mark.touch()
    fresh.up("redis", "--fresh")
    assert fresh.is_up()
    assert not mark.exists()


def test_two_instances_live_side_by_side(fresh: Any, make_bench: Callable[..., Any]) -> None:
    fresh.up("postgres,redis")
    with make_bench("second", offset=1000, root=Path(fresh.root)) as second:
        second.up("postgres,redis")
        assert fresh.is_up()
        assert second.is_up()
        assert not set(_bound(fresh)) & set(_bound(second))
        passwords = {bench.instance.secret("redis", "password") for bench in (fresh, second)}
        assert len(passwords) == 2
        second.run("down")
        assert fresh.is_up()
        assert second.remains() == []
