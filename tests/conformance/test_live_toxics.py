"""What all toxics have in common: chains, toxicity, changes on live connections."""

import socket
import threading
import time
from collections.abc import Callable

import pytest

from tests.conformance.support import (
    DIRECTIONS,
    PATIENCE,
    Pair,
    Server,
    drain,
    ends,
    eventually,
    flood,
    passes,
    quiet,
    receive,
    seconds,
)

# --- toxics on live connections ---------------------------------------------------------------------------


@pytest.mark.parametrize("stream", DIRECTIONS)
def test_a_toxic_works_on_its_own_direction_of_live_connections(server: Server, pair: Pair, stream: str) -> None:
    sender, receiver = pair.oriented(stream)
    assert passes(sender, receiver)
    server.add("latency", stream=stream, latency=1000)
    assert seconds(lambda: passes(sender, receiver)) >= 1
    assert seconds(lambda: passes(receiver, sender)) < 1
    server.remove("latency")
    assert seconds(lambda: passes(sender, receiver)) < 1


@pytest.mark.parametrize(
    "kind", ["latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data", "noop"]
)
@pytest.mark.parametrize("stream", DIRECTIONS)
def test_toxicity_zero_is_never(server: Server, pair: Pair, kind: str, stream: str) -> None:
    body = {"type": kind, "stream": stream, "toxicity": 0, "attributes": {"average_size": 1}}
    server.ok("POST", "/proxies/p/toxics", body)
    sender, receiver = pair.oriented(stream)
    for _ in range(5):
        assert passes(sender, receiver, b"z" * 50_000)


def test_toxicity_below_zero_is_never_and_above_one_is_always(server: Server, pair: Pair) -> None:
    server.add("timeout", toxicity=-3)
    server.add("latency", toxicity=7, latency=150)
    client, end = pair.connect()
    assert seconds(lambda: passes(end, client)) >= 0.15


def test_toxicity_is_drawn_per_connection_and_stays(server: Server, pair: Pair) -> None:
    server.add("timeout", toxicity=0.5)
    connections = [pair.connect() for _ in range(40)]

    def passing() -> list[bool]:
        for _, end in connections:
            end.sendall(b"x")
        time.sleep(0.3)
        return [not quiet(client, 0.01) for client, _ in connections]

    first = passing()
    assert 5 <= sum(first) <= 35
    assert passing() == first


def test_toxicity_is_drawn_again_on_update(server: Server, pair: Pair) -> None:
    server.add("limit_data", toxicity=0, bytes=0)
    client, end = pair.connect()
    assert passes(end, client)
    server.ok("PATCH", "/proxies/p/toxics/limit_data", {"toxicity": 1})
    end.sendall(b"x")
    assert drain(client) == b""


def test_an_update_by_toxicity_reaches_live_connections(server: Server, pair: Pair) -> None:
    server.add("timeout", stream="upstream", toxicity=0, timeout=0)
    client, end = pair.connect()
    assert passes(client, end)

    def update() -> None:
        server.ok("POST", "/proxies/p/toxics/timeout", {"attributes": {"timeout": 100}, "toxicity": 1})
        drain(client)

    assert 0.1 <= seconds(update) < PATIENCE


def redrawn(server: Server, pair: Pair, change: str) -> bool:
    """Whether connections change sides when a neighbour of a half-toxic latency comes or goes."""
    server.add("latency", toxicity=0.5, latency=1000)
    if change == "remove behind":
        server.add("noop")
    connections = [pair.connect() for _ in range(24)]

    def slow() -> list[bool]:
        result = []
        for _, end in connections:
            end.sendall(b"x")
        time.sleep(0.3)
        for client, _ in connections:
            result.append(quiet(client, 0.001))
        for (client, _), late in zip(connections, result, strict=True):
            if late:
                assert receive(client, 1) == b"x"
        return result

    before = slow()
    assert slow() == before
    if change == "add behind":
        server.add("noop")
    elif change == "remove behind":
        server.remove("noop")
    else:
        server.change("latency")
    return slow() != before


@pytest.mark.parametrize("change", ["update", "add behind", "remove behind"])
def test_what_draws_again(server: Server, pair: Pair, change: str) -> None:
    assert redrawn(server, pair, change)  # by chance it would stay once in 2^24 times


def test_toxics_apply_in_insertion_order(server: Server, pair: Pair) -> None:
    server.add("limit_data", bytes=100)
    server.add("slicer", average_size=10)
    client, end = pair.connect()
    end.sendall(b"y" * 300)
    assert drain(client) == b"y" * 100


def test_connections_survive_toxics_and_two_resets(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    for _ in range(2):
        server.add("latency", stream="upstream", latency=10)
        server.add("slicer", average_size=3)
        server.add("bandwidth", rate=1000)
        assert passes(client, end)
        assert passes(end, client)
        server.ok("POST", "/reset")
        assert passes(client, end)


def test_echoes_while_toxics_flap(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    stop = threading.Event()

    def flap() -> None:
        while not stop.is_set():
            server.add("latency", latency=2)
            server.add("slicer", stream="upstream", average_size=5, size_variation=2)
            server.change("latency", latency=1)
            server.remove("latency")
            server.remove("slicer")

    thread = threading.Thread(target=flap)
    thread.start()
    try:
        for number in range(150):
            message = f"message {number:8}".encode()
            assert passes(client, end, message)
            assert passes(end, client, message)
    finally:
        stop.set()
        thread.join(PATIENCE)


def test_no_data_is_dropped_or_reordered_while_latency_flaps(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    numbers = b"".join(number.to_bytes(2, "big") for number in range(65535))
    stop = threading.Event()

    def flap() -> None:
        while not stop.is_set():
            server.add("latency", stream="upstream", latency=1000)
            time.sleep(0.02)
            server.remove("latency")
            time.sleep(0.005)

    def send() -> None:
        for start in range(0, len(numbers), 2):
            client.sendall(numbers[start : start + 2])
        client.close()

    threads = [threading.Thread(target=flap), threading.Thread(target=send)]
    for thread in threads:
        thread.start()
    received = bytearray()
    end.settimeout(60)
    while more := end.recv(65536):
        received += more
    stop.set()
    for thread in threads:
        thread.join(60)
    assert bytes(received) == numbers


def test_a_latency_ahead_of_a_timeout_can_be_removed(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    server.add("latency", latency=10)
    server.add("timeout")
    end.sendall(b"hello")
    time.sleep(0.05)
    assert seconds(lambda: server.remove("latency")) < 1
    server.remove("timeout")
    assert drain(client) == b""


@pytest.mark.difference("removal never waits")
def test_stalled_toxics_can_be_removed_under_a_flood(start: Callable[..., Server]) -> None:
    server = start()
    pair = Pair(server)
    client, end = pair.connect()
    server.add("bandwidth", stream="upstream", rate=0)
    server.ok("POST", "/proxies/p/toxics", {"name": "second", "type": "bandwidth", "stream": "upstream"})
    sent = flood(client, 200_000_000)
    client.close()
    took = seconds(lambda: server.call("DELETE", "/proxies/p/toxics/bandwidth"))
    if server.own:
        assert took < 1
        server.remove("second")
        assert len(drain(end)) == sent
    else:  # each write that is stuck behind the second toxic gets 5 s and is then dropped
        assert took >= 5
    pair.close()


def test_add_connect_close_remove_many_times(server: Server, pair: Pair) -> None:
    for _ in range(150):
        server.add("latency", latency=10)
        client, end = pair.connect()
        end.sendall(b"bye")
        end.close()
        server.remove("latency")
        assert drain(client) == b"bye"
        client.close()


def test_a_client_that_resets(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    client.close()
    assert eventually(lambda: ends(end) in {"fin", "rst"})
    assert passes(*pair.connect())
