"""Proxies: update, disable, enable."""

import socket

import pytest

from stormglass.runtime.ports import free_port
from tests.conformance.support import UNUSED, Pair, Server, connect, drain, ends, eventually, listens, passes


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_update_ignores_the_name_and_defaults_to_what_is(server: Server, method: str) -> None:
    before = server.create("a", UNUSED)
    for body in ({}, {"name": "z"}, "null", {"enabled": None}):
        assert server.ok(method, "/proxies/a", body) == before
    assert server.call("GET", "/proxies/z").status == 404


def test_an_empty_upstream_is_accepted_by_an_update(server: Server) -> None:
    server.create("a", UNUSED)
    assert server.ok("POST", "/proxies/a", {"upstream": ""})["upstream"] == ""


@pytest.mark.parametrize("body", ["", "{", "[]", '{"name":5}', '{"upstream":5}', '{"enabled":1}'])
def test_update_with_a_bad_body(server: Server, body: str) -> None:
    before = server.create("a", UNUSED)
    reply = server.call("POST", "/proxies/a", body)
    assert reply.status == 400
    assert reply.error.startswith("bad request body: ")
    assert server.ok("GET", "/proxies/a") == before


def test_an_equal_address_keeps_connections(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    port = pair.proxy["listen"].rpartition(":")[2]
    assert server.ok("POST", "/proxies/p", {"listen": f"localhost:{port}"})["listen"] == f"127.0.0.1:{port}"
    assert passes(client, end)


def test_port_zero_moves_the_proxy_and_drops_connections(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    moved = server.ok("POST", "/proxies/p", {"listen": "localhost:0"})["listen"]
    assert moved != pair.proxy["listen"]
    assert (drain(client), drain(end)) == (b"", b"")
    assert listens(moved)
    assert not listens(pair.proxy["listen"])


def test_another_upstream_drops_connections(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(10)
        server.ok("POST", "/proxies/p", {"upstream": f"127.0.0.1:{elsewhere.getsockname()[1]}"})
        assert (drain(client), drain(end)) == (b"", b"")
        with connect(pair.proxy["listen"]) as again, elsewhere.accept()[0] as there:
            assert passes(again, there)


def test_toxics_survive_update_disable_and_enable(server: Server, pair: Pair) -> None:
    server.add("latency", latency=1)
    toxics = server.ok("GET", "/proxies/p/toxics")
    for body in ({"listen": "localhost:0"}, {"enabled": False}, {"enabled": True}):
        assert server.ok("POST", "/proxies/p", body)["toxics"] == toxics


def test_disabling_ends_both_sides_with_fin(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    assert passes(client, end)
    server.ok("POST", "/proxies/p", {"enabled": False})
    assert (ends(client), ends(end)) == ("fin", "fin")
    assert not listens(pair.proxy["listen"])


def test_deleting_ends_both_sides(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    server.ok("DELETE", "/proxies/p")
    assert (ends(client), ends(end)) == ("fin", "fin")


def test_a_failed_restart_leaves_it_disabled_at_the_new_address(server: Server) -> None:
    server.create("a", UNUSED)
    taken = server.create("b", UNUSED)["listen"]
    reply = server.call("POST", "/proxies/a", {"listen": taken})
    assert (reply.status, reply.error) == (500, f"listen tcp {taken}: bind: address already in use")
    after = server.ok("GET", "/proxies/a")
    assert (after["enabled"], after["listen"]) == (False, taken)
    # and starts once the conflict is gone
    server.ok("DELETE", "/proxies/b")
    assert server.ok("POST", "/proxies/a", {"enabled": True})["enabled"] is True
    assert listens(taken)


def test_an_unresolvable_update_changes_nothing(server: Server) -> None:
    before = server.create("a", UNUSED)
    assert server.call("POST", "/proxies/a", {"listen": "bad", "upstream": "x:1"}).status == 500
    assert server.ok("GET", "/proxies/a") == before


def test_closing_several_times_and_before_any_start(server: Server) -> None:
    server.create("a", UNUSED, enabled=False)
    for _ in range(3):
        assert server.ok("POST", "/proxies/a", {"enabled": False})["enabled"] is False


def test_a_disabled_proxy_takes_a_new_address_as_text(server: Server) -> None:
    server.create("a", UNUSED)
    moved = server.ok("POST", "/proxies/a", {"enabled": False, "listen": "localhost:0"})
    assert (moved["enabled"], moved["listen"]) == (False, "localhost:0")


@pytest.mark.difference("wildcards")
@pytest.mark.parametrize("spelling", ["0.0.0.0:{}", ":{}"])
def test_repeating_a_wildcard_address(server: Server, spelling: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        upstream.settimeout(10)
        listen = spelling.format(free_port())
        server.create("a", f"127.0.0.1:{upstream.getsockname()[1]}", listen)
        with connect(f"127.0.0.1:{listen.rpartition(':')[2]}") as client, upstream.accept()[0] as end:
            end.settimeout(10)
            assert passes(client, end)
            server.ok("POST", "/proxies/a", {"listen": listen})
            if server.own:
                assert passes(client, end)
            else:
                assert eventually(lambda: drain(client) == b"")
