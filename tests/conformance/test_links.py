"""The data plane without toxics: bytes, ends, back-pressure, dead upstreams."""

import socket
import threading

import pytest

from stormglass.runtime.ports import free_port
from tests.conformance.support import (
    DIRECTIONS,
    PATIENCE,
    Pair,
    Server,
    connect,
    drain,
    flood,
    listens,
    passes,
    receive,
    seconds,
)


@pytest.mark.parametrize("size", [1, 11, 32 * 1024, 64 * 1024, 1_000_003])
def test_bytes_arrive_intact_then_the_end(pair: Pair, size: int) -> None:
    client, end = pair.connect()
    data = bytes(range(256)) * (size // 256 + 1)

    def send() -> None:
        client.sendall(data[:size])
        client.close()

    threading.Thread(target=send).start()
    assert drain(end) == data[:size]


def test_a_message_in_two_parts(pair: Pair) -> None:
    client, end = pair.connect()
    client.sendall(b"hello ")
    assert receive(end, 6) == b"hello "
    client.sendall(b"world")
    client.close()
    assert drain(end) == b"world"


def test_both_directions_at_once(pair: Pair) -> None:
    client, end = pair.connect()
    data = b"x" * 3_000_000
    threads = [threading.Thread(target=each.sendall, args=(data,)) for each in (client, end)]
    received: list[bytes] = []
    readers = [threading.Thread(target=lambda s=each: received.append(receive(s, len(data)))) for each in (client, end)]
    for thread in [*threads, *readers]:
        thread.start()
    for thread in [*threads, *readers]:
        thread.join(PATIENCE)
    assert received == [data, data]


def test_a_dead_upstream_ends_the_client_at_once(server: Server) -> None:
    listen = server.create("p", f"127.0.0.1:{free_port()}")["listen"]
    for _ in range(3):
        client = connect(listen)
        assert seconds(lambda: drain(client)) < 5  # noqa: B023 - called at once
        client.close()


@pytest.mark.parametrize("upstream", ["nonsense", "nowhere.invalid:80", "127.0.0.1:99999"])
def test_an_upstream_that_cannot_be_dialled(server: Server, upstream: str) -> None:
    client = connect(server.create("p", upstream)["listen"])
    assert drain(client) == b""
    client.close()


def test_an_upstream_by_name(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        upstream.settimeout(PATIENCE)
        listen = server.create("p", f"localhost:{upstream.getsockname()[1]}")["listen"]
        with connect(listen) as client, upstream.accept()[0] as end:
            assert passes(client, end)


def test_no_half_close_the_reply_is_lost(pair: Pair) -> None:
    client, end = pair.connect()
    client.sendall(b"request")
    client.shutdown(socket.SHUT_WR)
    assert drain(end) == b"request"
    assert drain(client) == b""


@pytest.mark.parametrize("stream", DIRECTIONS)
def test_closing_one_side_closes_the_other(pair: Pair, stream: str) -> None:
    sender, receiver = pair.oriented(stream)
    assert passes(sender, receiver)
    sender.close()
    assert drain(receiver) == b""


def test_a_stalled_reader_holds_back_the_sender(pair: Pair) -> None:
    client, end = pair.connect()
    sent = flood(client, 200_000_000)
    assert sent < 60_000_000  # kernel buffers, no more
    assert len(receive(end, sent)) == sent


def test_two_proxies_to_one_upstream(server: Server, pair: Pair) -> None:
    other = server.create("q", pair.proxy["upstream"])
    with connect(other["listen"]) as client, pair.upstream.accept()[0] as end:
        assert passes(client, end)
    server.ok("DELETE", "/proxies/q")
    assert passes(*pair.connect())


def test_disabled_then_enabled_serves_again(server: Server, pair: Pair) -> None:
    server.ok("POST", "/proxies/p", {"enabled": False})
    assert not listens(pair.proxy["listen"])
    server.ok("POST", "/proxies/p", {"enabled": True})
    assert passes(*pair.connect())
