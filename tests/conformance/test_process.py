"""Flags, signals, the version, metrics."""

import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.conformance.support import Pair, Server, connect, drain, eventually, passes, quiet


def run(command: list[str], *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, *flags], capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("flag", ["-version", "--version"])
def test_version(command: list[str], flag: str) -> None:
    done = run(command, flag)
    assert done.returncode == 0
    assert done.stdout.startswith("toxiproxy-server version ")


@pytest.mark.parametrize("flag", ["-bogus", "--bogus", "-bogus=1"])
def test_an_unknown_flag(command: list[str], flag: str) -> None:
    done = run(command, flag)
    assert (done.returncode, done.stdout) == (2, "")
    assert "flag provided but not defined: -bogus" in done.stderr
    assert "-runtime-metrics" in done.stderr


@pytest.mark.parametrize("flag", ["-seed=x", "-proxy-metrics=perhaps"])
def test_a_flag_with_a_bad_value(command: list[str], flag: str) -> None:
    assert run(command, flag).returncode == 2


@pytest.mark.parametrize(
    "flags",
    [("-seed", "5"), ("--seed=5",), ("-seed", "-5"), ("-proxy-metrics=true",), ("-proxy-metrics", "-runtime-metrics")],
)
def test_go_flag_syntax(start: Callable[..., Server], flags: tuple[str, ...]) -> None:
    assert start(*flags).ok("GET", "/proxies") == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_with_status_0(start: Callable[..., Server], number: signal.Signals) -> None:
    server = start()
    pair = Pair(server)
    client, end = pair.connect()
    assert passes(client, end)
    server.running.process.send_signal(number)
    assert server.running.process.wait(10) == 0
    assert drain(client) == b""
    pair.close()


def test_an_unknown_log_level_is_survived(start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "deafening")
    server = start()
    assert server.ok("GET", "/proxies") == {}
    assert eventually(lambda: "deafening" in server.running.log.read_text())


# --- metrics ----------------------------------------------------------------------------------------------


def metric(server: Server, name: str, **labels: str) -> float | None:
    for line in server.call("GET", "/metrics").text.splitlines():
        if line.startswith(name + "{") and all(f'{label}="{value}"' in line for label, value in labels.items()):
            return float(line.rpartition(" ")[2])
    return None


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_metrics_answer_any_method(server: Server, method: str) -> None:
    reply = server.call(method, "/metrics")
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4; charset=utf-8")


def test_no_metrics_without_a_flag(start: Callable[..., Server]) -> None:
    assert start().call("GET", "/metrics").status == 404


def test_runtime_metrics(server: Server) -> None:
    assert metric(server, "go_build_info") == 1
    assert "process_open_fds " in server.call("GET", "/metrics").text


def test_bytes_are_counted_once_a_link_has_ended(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    assert passes(client, end, b"12345")
    assert passes(end, client, b"1234567")
    client.close()
    assert drain(end) == b""
    labels = {"proxy": "p", "listener": pair.proxy["listen"], "upstream": pair.proxy["upstream"]}
    for way in ("received", "sent"):
        for direction, count in (("upstream", 5), ("downstream", 7)):
            name = f"toxiproxy_proxy_{way}_bytes_total"
            assert eventually(lambda: metric(server, name, direction=direction, **labels) == count)  # noqa: B023 - asked within its own round


@pytest.mark.difference("live metrics")
def test_bytes_of_a_live_connection(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    assert passes(client, end, b"12345")
    time.sleep(0.1)
    counted = metric(
        server,
        "toxiproxy_proxy_received_bytes_total",
        direction="upstream",
        listener=pair.proxy["listen"],
        # a port may have been somebody else's before
        upstream=pair.proxy["upstream"],
    )
    assert counted == (5 if server.own else None)


@pytest.mark.difference("live metrics")
def test_gauges(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    assert passes(client, end)
    server.add("latency")
    listener = pair.proxy["listen"]
    assert metric(server, "toxiproxy_proxy_connections", listener=listener) == (1 if server.own else None)
    assert metric(server, "toxiproxy_toxics", proxy="p", type="latency") == (1 if server.own else None)
    client.close()
    if server.own:
        assert eventually(lambda: metric(server, "toxiproxy_proxy_connections", listener=listener) == 0)


@pytest.mark.difference("dead upstream")
def test_a_dead_upstream_is_told(server: Server) -> None:
    listen = server.create("p", "127.0.0.1:1")["listen"]
    with connect(listen) as client:
        assert drain(client) == b""
    if server.own:
        assert eventually(lambda: metric(server, "toxiproxy_proxy_dial_errors_total", listener=listen) == 1)
        assert "Upstream unreachable" in server.running.log.read_text()
    else:
        assert metric(server, "toxiproxy_proxy_dial_errors_total") is None


# --- seed -------------------------------------------------------------------------------------------------


def draws(server: Server) -> list[bool]:
    """Which of 24 connections an even toxicity leaves alone."""
    pair = Pair(server)
    server.add("timeout", toxicity=0.5)
    connections = [pair.connect() for _ in range(24)]
    for _, end in connections:
        end.sendall(b"x")
    time.sleep(0.6)
    result = [not quiet(client, 0.01) for client, _ in connections]
    pair.close()
    return result


@pytest.mark.difference("seed")
def test_the_same_seed_replays(start: Callable[..., Server]) -> None:
    server = start("-seed", "42")
    first = draws(server)
    assert (draws(start("-seed", "42")) == first) is server.own
    assert draws(start("-seed", "43")) != first


@pytest.mark.difference("crashing attributes")
def test_a_negative_rate_kills_the_real_server(start: Callable[..., Server]) -> None:
    server = start()
    pair = Pair(server)
    attributes = {"type": "bandwidth", "attributes": {"rate": -1}}
    assert server.call("POST", "/proxies/p/toxics", attributes).status == (400 if server.own else 200)
    _client, end = pair.connect()
    end.sendall(b"x")
    if server.own:
        assert server.ok("GET", "/proxies")
    else:
        assert server.running.process.wait(10) != 0
    pair.close()
