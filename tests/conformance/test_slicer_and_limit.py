"""slicer, limit_data, noop; and dialling."""

import socket
import threading
import time

import pytest

from tests.conformance.support import PATIENCE, Pair, Server, connect, drain, ends, passes, quiet, receive, seconds

# --- slicer -----------------------------------------------------------------------------------------------


def slices(receiver: socket.socket, total: int) -> list[bytes]:
    """What each read sees; apart in time enough, that is what each write sent."""
    found: list[bytes] = []
    while sum(map(len, found)) < total and (piece := receiver.recv(65536)):
        found.append(piece)
    return found


def test_slicer_one_byte_at_a_time(server: Server, pair: Pair) -> None:
    server.add("slicer", average_size=1, delay=100_000)
    client, end = pair.connect()
    message = b"hello, sliced old world!"
    end.sendall(message)
    found = slices(client, len(message))
    assert b"".join(found) == message
    assert len(found) == 24


def test_slicer_sizes_stay_within_the_variation(server: Server, pair: Pair) -> None:
    server.add("slicer", average_size=100, size_variation=50, delay=100_000)
    client, end = pair.connect()
    data = bytes(range(256)) * 5
    end.sendall(data)
    found = slices(client, len(data))
    assert b"".join(found) == data
    assert max(map(len, found)) <= 150
    assert len(data) / 150 <= len(found) <= len(data) / 40


def test_slicer_keeps_a_large_stream_intact(server: Server, pair: Pair) -> None:
    server.add("slicer", stream="upstream", average_size=1024, size_variation=512, delay=10)
    client, end = pair.connect()
    data = bytes(range(240)) * 2000
    thread = threading.Thread(target=client.sendall, args=(data,))
    thread.start()
    assert receive(end, len(data)) == data
    thread.join()


@pytest.mark.parametrize("size", [1, 24])
def test_slicer_delays_after_the_last_piece_too(server: Server, pair: Pair, size: int) -> None:
    server.add("slicer", average_size=100, delay=1_000_000)
    client, end = pair.connect()
    start = time.monotonic()
    end.sendall(b"a" * size)
    receive(client, size)
    assert time.monotonic() - start < 1
    end.sendall(b"b")
    receive(client, 1)
    assert time.monotonic() - start >= 1


def test_interrupting_a_slicer_lets_the_rest_out_whole(server: Server, pair: Pair) -> None:
    server.add("slicer", average_size=1, delay=500_000)
    client, end = pair.connect()
    end.sendall(b"0123456789")
    assert receive(client, 1) == b"0"
    server.remove("slicer")
    assert seconds(lambda: receive(client, 9)) < 1


# --- limit_data -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "chunks", "through"), [
    (100, [50], None),
    (100, [100], 100),
    (100, [150], 100),
    (100, [60, 60], 100),
    (100, [50, 50], 100),
    (100_000, [150_000], 100_000),
    (0, [10], 0),
])  # fmt: skip
def test_limit_data(server: Server, pair: Pair, limit: int, chunks: list[int], through: int | None) -> None:
    server.add("limit_data", bytes=limit)
    client, end = pair.connect()
    for size in chunks:
        end.sendall(b"c" * size)
        time.sleep(0.05)
    if through is None:
        assert len(receive(client, sum(chunks))) == sum(chunks)
        assert quiet(client, 0.2)
    else:
        # data that is still unread when the proxy closes may turn the end into a reset, on either server
        received = receive(client, through)
        assert len(received) == through
        assert ends(client) in {"fin", "rst"}


def test_limit_zero_waits_for_the_first_chunk(server: Server, pair: Pair) -> None:
    server.add("limit_data", bytes=0)
    client, end = pair.connect()
    assert quiet(client, 0.3)
    end.sendall(b"x")
    assert drain(client) == b""


def test_the_limit_is_per_connection(server: Server, pair: Pair) -> None:
    server.add("limit_data", bytes=10)
    for _ in range(3):
        client, end = pair.connect()
        end.sendall(b"0123456789")
        assert drain(client) == b"0123456789"


def test_an_end_passes_before_the_limit(server: Server, pair: Pair) -> None:
    server.add("limit_data", bytes=100)
    client, end = pair.connect()
    end.sendall(b"short")
    end.close()
    assert drain(client) == b"short"


def test_the_count_survives_an_update(server: Server, pair: Pair) -> None:
    server.add("limit_data", bytes=100)
    client, end = pair.connect()
    assert passes(end, client, b"a" * 60)
    server.change("limit_data", bytes=150)
    end.sendall(b"b" * 200)
    assert len(receive(client, 90)) == 90
    assert ends(client) in {"fin", "rst"}


def test_lowering_below_the_count_closes_at_the_next_chunk(server: Server, pair: Pair) -> None:
    server.add("limit_data", bytes=100)
    client, end = pair.connect()
    assert passes(end, client, b"a" * 60)
    server.change("limit_data", bytes=50)
    assert quiet(client, 0.2)
    end.sendall(b"b")
    assert drain(client) == b""


def test_counting_starts_when_the_toxic_comes(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    assert passes(end, client, b"a" * 500)
    server.add("limit_data", bytes=100)
    assert passes(end, client, b"b" * 90)
    end.sendall(b"c" * 10)
    assert len(receive(client, 10)) == 10
    assert ends(client) in {"fin", "rst"}


def test_removing_stops_counting(server: Server, pair: Pair) -> None:
    server.add("limit_data", bytes=100)
    client, end = pair.connect()
    assert passes(end, client, b"a" * 90)
    server.remove("limit_data")
    assert passes(end, client, b"b" * 500)


# --- noop -------------------------------------------------------------------------------------------------


def test_noop(server: Server, pair: Pair) -> None:
    server.add("noop", stream="upstream")
    server.add("latency")
    client, end = pair.connect()
    assert passes(client, end, b"n" * 100_000)
    assert passes(end, client)


# --- dialling ---------------------------------------------------------------------------------------------


@pytest.mark.difference("dialling beside the accept loop")
def test_a_dial_that_hangs_holds_up_nobody_else(server: Server) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:  # a full backlog answers no further SYN, so a dial hangs
            filler.setblocking(False)
            filler.connect_ex(address)
        time.sleep(0.2)
        listen = server.create("p", f"127.0.0.1:{address[1]}")["listen"]
        stuck = connect(listen)
        time.sleep(0.2)
        with socket.create_server(("127.0.0.1", 0)) as upstream:
            upstream.settimeout(PATIENCE)
            body = {"upstream": f"127.0.0.1:{upstream.getsockname()[1]}"}
            update = threading.Thread(target=server.call, args=("POST", "/proxies/p", body))
            update.start()
            update.join(5)
            assert update.is_alive() is not server.own
            if server.own:
                with connect(listen) as client, upstream.accept()[0] as end:
                    assert passes(client, end)
            for each in [stuck, full, *fillers]:
                each.close()
            update.join(30)
            assert not update.is_alive()
