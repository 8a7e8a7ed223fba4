"""latency, bandwidth, slow_close. Lower bounds are strict, upper ones leave a busy machine room."""

import threading
import time

import pytest

from tests.conformance.support import Pair, Server, drain, ends, passes, quiet, receive, seconds

ROOM = 1.0  # seconds a busy machine may add


@pytest.mark.parametrize(("up", "down"), [(0, 0), (100, 100), (1500, 100), (100, 1500), (1200, 0), (0, 1200)])
def test_latency_in_each_direction(server: Server, pair: Pair, up: int, down: int) -> None:
    server.ok(
        "POST",
        "/proxies/p/toxics",
        {"name": "u", "type": "latency", "stream": "upstream", "attributes": {"latency": up}},
    )
    server.add("latency", latency=down)
    client, end = pair.connect()
    data = b"b" * 32768
    start = time.monotonic()
    assert passes(client, end, data)
    there = time.monotonic() - start
    assert passes(end, client, data)
    back = time.monotonic() - start - there
    assert up / 1000 <= there < up / 1000 + ROOM
    assert down / 1000 <= back < down / 1000 + ROOM


def test_latency_is_pipelined(server: Server, pair: Pair) -> None:
    server.add("latency", latency=300)
    client, end = pair.connect()
    sent, arrived = [], []

    def send() -> None:
        for _ in range(5):
            sent.append(time.monotonic())
            end.sendall(b"x")
            time.sleep(0.05)

    thread = threading.Thread(target=send)
    thread.start()
    for _ in range(5):
        receive(client, 1)
        arrived.append(time.monotonic())
    thread.join()
    delays = [there - here for here, there in zip(sent, arrived, strict=True)]
    assert all(0.3 <= delay < 0.3 + ROOM for delay in delays)


def test_two_latencies_add_up(server: Server, pair: Pair) -> None:
    server.add("latency", latency=200)
    server.ok("POST", "/proxies/p/toxics", {"name": "more", "type": "latency", "attributes": {"latency": 200}})
    client, end = pair.connect()
    assert 0.4 <= seconds(lambda: passes(end, client)) < 0.4 + ROOM


def test_jitter_spreads_both_ways(server: Server, pair: Pair) -> None:
    server.add("latency", latency=60, jitter=50)
    client, end = pair.connect()
    times = [seconds(lambda: passes(end, client)) for _ in range(30)]
    assert min(times) >= 0.01
    assert min(times) < 0.06
    assert 0.06 < max(times) < 0.11 + ROOM


def test_a_negative_total_is_no_delay(server: Server, pair: Pair) -> None:
    server.add("latency", latency=-5000, jitter=10)
    client, end = pair.connect()
    assert seconds(lambda: passes(end, client)) < ROOM


def test_latency_does_not_throttle(server: Server, pair: Pair) -> None:
    server.add("latency", latency=100)
    client, end = pair.connect()
    data = b"d" * 10_000_000
    thread = threading.Thread(target=end.sendall, args=(data,))
    thread.start()
    took = seconds(lambda: receive(client, len(data)))
    thread.join()
    assert 0.1 <= took < 2


def test_a_lone_end_is_not_delayed_and_connecting_neither(server: Server, pair: Pair) -> None:
    server.add("latency", latency=1000)
    client, end = pair.connect()
    end.close()
    assert seconds(lambda: drain(client)) < 0.5


def test_an_end_behind_data_waits_for_it(server: Server, pair: Pair) -> None:
    server.add("latency", latency=300)
    client, end = pair.connect()
    start = time.monotonic()
    end.sendall(b"last words")
    end.close()
    assert drain(client) == b"last words"
    assert time.monotonic() - start >= 0.3


def test_updating_latency_lets_the_held_chunk_go(server: Server, pair: Pair) -> None:
    server.add("latency", latency=5000)
    client, end = pair.connect()
    end.sendall(b"held")
    time.sleep(0.1)
    assert quiet(client, 0.05)
    server.change("latency", latency=4000)
    assert seconds(lambda: receive(client, 4)) < 1


def test_after_an_update_the_rest_is_timed_from_its_own_receipt(server: Server, pair: Pair) -> None:
    server.add("latency", latency=5000)
    client, end = pair.connect()
    end.sendall(b"first")
    time.sleep(0.05)
    start = time.monotonic()
    end.sendall(b"second")
    time.sleep(0.05)
    server.change("latency", latency=600)
    assert receive(client, 5) == b"first"
    assert receive(client, 6) == b"second"
    assert 0.6 <= time.monotonic() - start < 0.6 + ROOM


def test_removing_latency_lets_everything_go(server: Server, pair: Pair) -> None:
    server.add("latency", latency=5000)
    client, end = pair.connect()
    for _ in range(3):
        end.sendall(b"abc")
        time.sleep(0.03)
    server.remove("latency")
    assert seconds(lambda: receive(client, 9)) < 1


# --- bandwidth --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "size", "expected"), [(1000, 480_000, 0.48), (100, 50_000, 0.5), (200, 10_000, 0.05)])
def test_bandwidth_takes_its_time(server: Server, pair: Pair, rate: int, size: int, expected: float) -> None:
    server.add("bandwidth", stream="upstream", rate=rate)
    client, end = pair.connect()
    data = bytes(range(250)) * (size // 250)
    start = time.monotonic()
    thread = threading.Thread(target=client.sendall, args=(data,))
    thread.start()
    assert receive(end, size) == data
    took = time.monotonic() - start
    thread.join()
    assert expected - 0.01 <= took < expected + ROOM


def test_a_large_chunk_comes_in_pieces_of_a_tenth_of_a_second(server: Server, pair: Pair) -> None:
    server.add("bandwidth", rate=1)
    client, end = pair.connect()
    end.sendall(b"p" * 3000)
    start = time.monotonic()
    assert len(receive(client, 100)) == 100
    assert 0.09 <= time.monotonic() - start < 0.1 + ROOM, "the whole of it would take three seconds"
    assert len(receive(client, 100)) == 100
    assert time.monotonic() - start >= 0.19
    assert len(receive(client, 100)) == 100


def test_the_limit_is_per_connection(server: Server, pair: Pair) -> None:
    server.add("bandwidth", rate=25)
    connections = [pair.connect() for _ in range(4)]
    for _, end in connections:
        end.sendall(b"q" * 30_000)
    took = seconds(lambda: [receive(client, 30_000) for client, _ in connections])
    assert 1.19 <= took < 1.2 + ROOM


def test_rate_zero_stalls_and_removal_delivers(server: Server, pair: Pair) -> None:
    server.add("bandwidth", rate=0)
    client, end = pair.connect()
    end.sendall(b"held back")
    assert quiet(client, 0.3)
    server.remove("bandwidth")
    assert receive(client, 9) == b"held back"
    assert passes(end, client)


def test_rate_zero_updated_sends_the_held_piece(server: Server, pair: Pair) -> None:
    server.add("bandwidth", rate=0)
    client, end = pair.connect()
    end.sendall(b"held back")
    assert quiet(client, 0.2)
    server.change("bandwidth", rate=1)
    assert receive(client, 9) == b"held back"


def test_an_end_passes_an_idle_stall(server: Server, pair: Pair) -> None:
    server.add("bandwidth", rate=0)
    client, end = pair.connect()
    end.close()
    assert drain(client) == b""


# --- slow_close -------------------------------------------------------------------------------------------


def test_slow_close_holds_the_end_only(server: Server, pair: Pair) -> None:
    server.add("slow_close", delay=1500)
    client, end = pair.connect()
    assert seconds(lambda: passes(end, client)) < ROOM

    def close() -> None:
        end.close()
        drain(client)

    assert 1.5 <= seconds(close) < 1.5 + ROOM


def test_slow_close_of_the_other_direction_does_not_matter(server: Server, pair: Pair) -> None:
    server.add("slow_close", stream="upstream", delay=2000)
    client, end = pair.connect()
    end.close()
    assert seconds(lambda: drain(client)) < 1


def test_removing_slow_close_closes_at_once(server: Server, pair: Pair) -> None:
    server.add("slow_close", delay=5000)
    client, end = pair.connect()
    end.close()
    assert quiet(client, 0.2)
    server.remove("slow_close")
    assert seconds(lambda: ends(client)) < 1


def test_updating_slow_close_starts_anew(server: Server, pair: Pair) -> None:
    server.add("slow_close", delay=5000)
    client, end = pair.connect()
    end.close()
    time.sleep(0.2)
    start = time.monotonic()
    server.change("slow_close", delay=300)
    assert drain(client) == b""
    assert 0.3 <= time.monotonic() - start < 0.3 + ROOM
