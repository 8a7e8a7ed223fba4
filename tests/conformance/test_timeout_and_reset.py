"""timeout and reset_peer."""

import socket
import time

import pytest

from tests.conformance.support import Pair, Server, drain, ends, passes, quiet, seconds

ROOM = 1.0


# --- timeout ----------------------------------------------------------------------------------------------


def test_timeout_zero_swallows_for_ever(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    server.add("timeout", timeout=0)
    end.sendall(b"gone")
    assert quiet(client, 0.5)
    assert passes(client, end)


def test_timeout_closes_after_silence(server: Server, pair: Pair) -> None:
    server.add("timeout", stream="upstream", timeout=300)
    client, end = pair.connect()
    start = time.monotonic()
    client.sendall(b"gone")
    assert drain(end) == b""
    assert drain(client) == b""
    assert 0.3 <= time.monotonic() - start < 0.3 + ROOM


def test_every_chunk_restarts_the_clock(server: Server, pair: Pair) -> None:
    server.add("timeout", stream="upstream", timeout=1500)
    client, end = pair.connect()
    for _ in range(4):
        client.sendall(b"still here")
        assert quiet(end, 0.5)
    assert seconds(lambda: drain(client)) < 1.5 + ROOM


def test_an_end_passes_a_timeout_at_once(server: Server, pair: Pair) -> None:
    server.add("timeout", timeout=0)
    client, end = pair.connect()
    end.sendall(b"lost")
    end.close()
    assert seconds(lambda: drain(client)) < 1


def test_removing_a_timeout_closes(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    server.add("timeout", timeout=0)
    assert seconds(lambda: server.remove("timeout")) < 1
    assert seconds(lambda: (drain(client), drain(end))) < 1


def test_removing_a_timeout_closes_even_where_it_was_inactive(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    server.add("timeout", toxicity=0)
    assert passes(end, client)
    server.remove("timeout")
    assert (drain(client), drain(end)) == (b"", b"")


def test_updating_a_timeout_restarts_it(server: Server, pair: Pair) -> None:
    server.add("timeout", timeout=0)
    client, _end = pair.connect()
    assert quiet(client, 0.1)
    start = time.monotonic()
    server.change("timeout", timeout=200)
    assert drain(client) == b""
    assert 0.2 <= time.monotonic() - start < 0.2 + ROOM


# --- reset_peer -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
@pytest.mark.parametrize("timeout", [0, 200])
def test_reset_peer_resets_both_sides(server: Server, pair: Pair, stream: str, timeout: int) -> None:
    server.add("reset_peer", stream=stream, timeout=timeout)
    client, end = pair.connect()
    start = time.monotonic()
    (client if stream == "upstream" else end).sendall(b"x")
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert timeout / 1000 <= time.monotonic() - start < timeout / 1000 + ROOM
    assert client.recv(1) == b""
    assert ends(end) == "rst"


def test_an_idle_connection_is_not_reset(server: Server, pair: Pair) -> None:
    server.add("reset_peer", stream="upstream")
    client, end = pair.connect()
    assert quiet(client, 0.4)
    assert passes(end, client)


def test_the_end_of_a_stream_fires_it_too(server: Server, pair: Pair) -> None:
    server.add("reset_peer", stream="upstream", timeout=200)
    client, end = pair.connect()

    def end_one_way() -> None:
        client.shutdown(socket.SHUT_WR)
        ends(end)

    assert 0.2 <= seconds(end_one_way) < 0.2 + ROOM


@pytest.mark.difference("reset of old connections")
def test_a_connection_older_than_the_toxic(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    assert passes(client, end)
    server.add("reset_peer", stream="upstream")
    client.sendall(b"x")
    assert ends(client) == ("rst" if server.own else "fin")


@pytest.mark.difference("reset only where active")
def test_an_ordinary_close_with_toxicity_zero(server: Server, pair: Pair) -> None:
    server.add("reset_peer", toxicity=0)
    client, end = pair.connect()
    assert passes(end, client)
    end.close()
    assert ends(client) == ("fin" if server.own else "rst")


@pytest.mark.difference("interruptible reset")
def test_deleting_while_it_waits(server: Server, pair: Pair) -> None:
    server.add("reset_peer", stream="upstream", timeout=1200)
    client, _end = pair.connect()
    client.sendall(b"x")
    time.sleep(0.1)
    took = seconds(lambda: server.remove("reset_peer"))
    assert ends(client) == "rst"
    assert took < 0.5 if server.own else took > 0.8
