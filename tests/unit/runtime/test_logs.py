"""Log lines of every format in one order of time."""

import json
from datetime import UTC, datetime

import pytest

from stormglass.runtime import logs
from stormglass.runtime.instance import Instance
from stormglass.runtime.logview import pretty, raw
from stormglass.runtime.status import restarts

TRACE = "92c8421a95e44193ef1ae160fcff526d"
MOMENT = datetime(2026, 11, 24, 22, 10, 20, 851000, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        '{"event": "serving", "timestamp": "2026-11-24T22:10:20.851000Z"}',
        '{"level": "warn", "time": "2026-11-24T22:10:20.851Z", "message": "Health check failed."}',
        '{"caller": "main.go:1192", "ts": "2026-11-24T22:10:20.851Z"}',
        "2026-11-24 22:10:20.851 UTC [12822] LOG:  starting PostgreSQL 18.4",
        "12826:M 24 Nov 2026 22:10:20.851 * Server initialized",
        "2026-11-24 22:10:20,851 INFO spawned: 'users-1' with pid 28772",
    ],
    ids=["ours", "traefik", "prometheus", "postgres", "valkey", "supervisord"],
)
def test_every_servers_clock_is_understood(text: str) -> None:
    assert logs.moment(text) == pytest.approx(MOMENT)


def test_lines_of_two_processes_are_put_in_order(instance: Instance) -> None:
    _write(instance, "orders-1", [_line(1, "first"), _line(3, "third")])
    _write(instance, "redis", ["1:M 24 Nov 2026 22:10:02.000 * second", "a line without a clock"])
    found = logs.history(logs.sources(instance, ["orders-1", "redis"]), count=10)
    assert [line.source for line in found] == ["orders-1", "redis", "redis", "orders-1"]


def test_one_trace_is_found_in_every_process_and_in_rotated_files(instance: Instance) -> None:
    _write(instance, "gateway-1", [_line(1, "a", TRACE), _line(2, "b", "f" * 32)])
    _write(instance, "orders-1", [_line(4, "d", TRACE)])
    instance.log("orders-1").with_name("orders-1.log.1").write_text(_line(3, "c", TRACE) + "\n")
    found = logs.history(logs.sources(instance, ["gateway-1", "orders-1"]), trace_id=TRACE[:12], count=1)
    assert [line.fields["event"] for line in found] == ["a", "c", "d"]


def test_new_lines_are_seen_across_a_rotation(instance: Instance) -> None:
    _write(instance, "orders-1", [_line(1, "old")])
    source = logs.Source("orders-1", instance.log("orders-1"))
    assert len(list(source.history(whole=False))) == 1
    instance.log("orders-1").rename(instance.log("orders-1").with_name("orders-1.log.1"))
    _write(instance, "orders-1", [_line(2, "new")])
    assert [line.fields["event"] for line in source.news()] == ["new"]
    assert source.news() == []


def test_people_see_text_and_programs_see_json(instance: Instance) -> None:
    ours = logs.Line(MOMENT, "orders-1", _line(20, "placed", TRACE))
    assert "orders-1" in pretty(ours).plain
    assert "placed" in pretty(ours).plain
    assert json.loads(raw(logs.Line(MOMENT, "redis", "ready")))["event"] == "ready"


def test_restarts_are_counted_since_the_manager_started(instance: Instance) -> None:
    _write(
        instance,
        "manager",
        [
            "2026-11-24 22:00:00,000 WARN exited: orders-1 (exit status 1; not expected)",
            "2026-11-24 22:00:01,000 INFO supervisord started with pid 1",
            "2026-11-24 22:00:02,000 WARN exited: orders-1 (terminated by SIGKILL; not expected)",
            "2026-11-24 22:00:03,000 INFO stopped: redis (exit status 0)",
        ],
    )
    assert dict(restarts(instance)) == {"orders-1": 1}


def _line(second: int, event: str, trace: str = "") -> str:
    return json.dumps({"event": event, "timestamp": f"2026-11-24T22:10:{second:02}Z", "trace_id": trace})


def _write(instance: Instance, name: str, lines: list[str]) -> None:
    instance.log(name).write_text("\n".join(lines) + "\n")
