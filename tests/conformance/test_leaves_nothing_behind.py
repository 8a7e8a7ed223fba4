"""Many connections, stalled connections: descriptors and memory afterwards are what they were before."""

import contextlib
import resource
import socket
import threading
from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.conformance.support import PATIENCE, Pair, Server, eventually, flood, passes, receive

MEGABYTE = 1_000_000


@pytest.fixture(autouse=True)
def many_descriptors() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192
    if before[0] < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, before[1]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def fresh(start: Callable[..., Server]) -> Iterator[tuple[Server, Pair, psutil.Process]]:
    server = start("-proxy-metrics")
    pair = Pair(server)
    passes(*pair.connect())
    yield server, pair, psutil.Process(server.running.pid)
    pair.close()


def test_two_thousand_open_connections(fresh: tuple[Server, Pair, psutil.Process]) -> None:
    server, pair, process = fresh
    descriptors = process.num_fds()
    server.add("latency", latency=1)
    connections = [pair.connect() for _ in range(2000)]
    assert process.num_fds() >= descriptors + 4000
    assert all(passes(end, client) for client, end in connections)
    server.ok("POST", "/reset")
    assert all(passes(client, end) for client, end in connections)
    for client, end in connections:
        client.close()
        end.close()
    assert eventually(lambda: process.num_fds() <= descriptors + 2)


def test_ten_thousand_connects_in_a_row(fresh: tuple[Server, Pair, psutil.Process]) -> None:
    server, pair, process = fresh
    server.add("latency", latency=0, jitter=0)

    def rounds(count: int) -> None:
        for _ in range(count):
            client = pair.client()
            end, _address = pair.upstream.accept()
            client.sendall(b"x")
            assert end.recv(1) == b"x"
            client.close()
            end.close()

    rounds(1000)
    descriptors, memory = process.num_fds(), process.memory_info().rss
    rounds(10_000)
    assert eventually(lambda: process.num_fds() <= descriptors + 2)
    assert process.memory_info().rss < memory + 20 * MEGABYTE


@pytest.mark.parametrize("kind", [None, "latency", "bandwidth", "slicer"])
def test_a_stalled_peer_costs_bounded_memory(fresh: tuple[Server, Pair, psutil.Process], kind: str | None) -> None:
    server, pair, process = fresh
    attributes = {"latency": {"latency": 60_000}, "bandwidth": {"rate": 0}, "slicer": {"average_size": 1000}}
    if kind is not None:
        body = {"name": kind, "type": kind, "stream": "upstream", "attributes": attributes[kind]}
        server.ok("POST", "/proxies/p/toxics", body)
    memory = process.memory_info().rss
    client, end = pair.connect()
    sent = flood(client, 400 * MEGABYTE)
    assert sent < 200 * MEGABYTE
    # a latency toxic may queue 1024 reads of 32 KiB, everything else next to nothing
    assert process.memory_info().rss < memory + (90 if kind == "latency" else 15) * MEGABYTE
    if kind is not None and server.own:
        server.remove(kind)
        assert len(receive(end, sent)) == sent


def test_a_storm_of_clients_that_leave_at_once(fresh: tuple[Server, Pair, psutil.Process]) -> None:
    _server, pair, process = fresh
    descriptors = process.num_fds()
    stop = threading.Event()

    def swallow() -> None:
        pair.upstream.settimeout(0.2)
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                end, _ = pair.upstream.accept()
                end.close()

    thread = threading.Thread(target=swallow)
    thread.start()
    for _ in range(1500):
        client = pair.client()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        client.close()
    stop.set()
    thread.join(PATIENCE)
    pair.upstream.settimeout(PATIENCE)
    # the real server dials one client after the other, so most of the storm may still be on its way
    client = pair.client()
    client.sendall(b"last")
    for _ in range(1600):
        end, _address = pair.upstream.accept()
        end.settimeout(PATIENCE)
        with end, contextlib.suppress(ConnectionResetError):
            if receive(end, 4) == b"last":
                break
    else:
        pytest.fail("the client that stayed was never served")
    client.close()
    assert eventually(lambda: process.num_fds() <= descriptors + 2)
