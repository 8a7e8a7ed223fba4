"""What only chaos.faultproxy has: switches of its own, fault events, an honest failure to start."""

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from chaos.toxiproxy.servers import own_command, run_server
from stormglass.runtime.ports import free_port
from tests.conformance.support import FIELD, PATIENCE, Pair, Server, connect, drain, eventually, seconds
from tests.telemetry.declared import declared_for, deviations
from tests.telemetry.guards import ids_in_labels

Start = Callable[..., Server]


@pytest.mark.difference("live metrics")
def test_metrics_are_what_is_declared(start: Start) -> None:
    server = start("-proxy-metrics", "-runtime-metrics")
    pair = Pair(server)
    pair.connect()
    server.add("latency")
    served = list(text_string_to_metric_families(server.call("GET", "/metrics").text))
    assert deviations(served, declared_for("faultproxy")) == []
    assert ids_in_labels(served) == []
    pair.close()


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda *flags: Server(True, stack.enter_context(run_server(own_command(), *flags)))


def events(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.running.log.read_text().splitlines()]


@pytest.mark.difference("toxics at creation")
def test_toxics_in_create_populate_and_config(start: Start, tmp_path: Path) -> None:
    toxics = [
        {"type": "latency", "stream": "upstream", "attributes": {"latency": 5}},
        {"type": "timeout", "toxicity": 0},
    ]
    config = tmp_path / "config.json"
    config.write_text(json.dumps([{"name": "c", "listen": "localhost:0", "upstream": "x:1", "toxics": toxics}]))
    server = start("-accept-toxics", "-config", str(config))
    server.create("a", "x:1", toxics=toxics)
    server.ok("POST", "/populate", [{"name": "b", "listen": "localhost:0", "upstream": "x:1", "toxics": toxics}])
    for name, proxy in server.ok("GET", "/proxies").items():
        assert [toxic["name"] for toxic in proxy["toxics"]] == ["latency_upstream", "timeout_downstream"], name


@pytest.mark.parametrize(
    ("toxics", "status", "text"),
    [
        ([{"type": "nope"}], 400, "invalid toxic type"),
        ([{"type": "noop"}, {"type": "noop"}], 409, "toxic already exists"),
        ([{"type": "noop", "stream": "x"}], 400, "stream was invalid, can be either upstream or downstream"),
        (
            5,
            400,
            "bad request body: " + FIELD.format("number", "Proxy.toxics", "toxiproxy.Toxics"),
        ),
    ],
)
def test_bad_toxics_at_creation_create_nothing(start: Start, toxics: Any, status: int, text: str) -> None:
    server = start("-accept-toxics")
    body = {"name": "a", "listen": "localhost:0", "upstream": "x:1", "toxics": toxics}
    reply = server.call("POST", "/proxies", body)
    assert (reply.status, reply.error) == (status, text)
    assert server.ok("GET", "/proxies") == {}


def test_fault_events_carry_the_trace_that_asked(start: Start) -> None:
    server = start("-seed", "7")
    server.create("p", "x:1")
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    headers = {"traceparent": f"00-{trace}-{span}-01"}
    body = {"name": "slow", "type": "latency", "attributes": {"latency": 800}}
    server.call("POST", "/proxies/p/toxics", body, headers)
    server.call("POST", "/proxies/p/toxics/slow", {"attributes": {"latency": 5}}, headers)
    server.call("DELETE", "/proxies/p/toxics/slow", None, headers)
    told = [event for event in events(server) if event["message"].startswith("fault ")]
    assert [event["message"] for event in told] == ["fault added", "fault updated", "fault removed"]
    assert {(event["trace_id"], event["span_id"], event["proxy"]) for event in told} == {(trace, span, "p")}
    assert told[0]["toxic"]["attributes"] == {"latency": 800, "jitter": 0}
    assert any(event.get("seed") == 7 for event in events(server))


@pytest.mark.parametrize("header", ["", "garbage", "00-short-b7ad6b7169203331-01"])
def test_a_broken_traceparent_is_no_trace(start: Start, header: str) -> None:
    server = start()
    server.create("p", "x:1")
    reply = server.call("POST", "/proxies/p/toxics", {"type": "noop"}, {"traceparent": header})
    assert reply.status == 200
    assert "trace_id" not in next(event for event in events(server) if event["message"] == "fault added")


def test_a_dial_gives_up_in_time(start: Start) -> None:
    server = start("-dial-timeout", "0.3")
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:  # a full backlog answers no further SYN
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        time.sleep(0.2)
        listen = server.create("p", f"127.0.0.1:{full.getsockname()[1]}")["listen"]

        def dial() -> None:
            with connect(listen) as client:
                drain(client)

        assert 0.25 <= seconds(dial) < PATIENCE
        for filler in fillers:
            filler.close()
    assert eventually(lambda: any(event.get("error") == "no answer in 0.3 s" for event in events(server)))


@pytest.mark.difference("api port taken")
def test_an_api_port_that_is_taken_ends_the_process() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        command = [*own_command(), "-host", "127.0.0.1", "-port", str(taken.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "address already in use" in done.stdout


def test_the_log_is_one_json_object_a_line(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "debug")
    server = start()
    pair = Pair(server)
    server.ok("DELETE", "/proxies/p")
    pair.close()
    assert {"level", "message", "time"} <= set.intersection(*(set(event) for event in events(server)))
    assert any(event["message"] == "request" and event["method"] == "DELETE" for event in events(server))
