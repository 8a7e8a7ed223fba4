"""Populate, the configuration file, reset."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stormglass.runtime.ports import free_port
from tests.conformance.support import UNUSED, Pair, Server, drain, listens, passes


def entry(name: str, listen: str = "localhost:0", **more: Any) -> dict[str, Any]:
    return {"name": name, "listen": listen, "upstream": UNUSED, **more}


def test_the_answer_is_in_the_order_given(server: Server) -> None:
    reply = server.call("POST", "/populate", [entry("b"), entry("c"), entry("a")])
    assert (reply.status, reply.headers["content-type"]) == (201, "application/json")
    proxies = reply.json["proxies"]
    assert [proxy["name"] for proxy in proxies] == ["b", "c", "a"]
    assert all(listens(proxy["listen"]) for proxy in proxies)


@pytest.mark.parametrize("more", [{}, {"enabled": None}, {"enabled": True}])
def test_enabled_by_default(server: Server, more: dict[str, Any]) -> None:
    assert server.ok("POST", "/populate", [entry("a", **more)])["proxies"][0]["enabled"] is True


def test_a_disabled_entry(server: Server) -> None:
    port = free_port()
    made = server.ok("POST", "/populate", [entry("a", f"localhost:{port}", enabled=False), entry("b")])["proxies"]
    assert [proxy["enabled"] for proxy in made] == [False, True]
    assert made[0]["listen"] == f"localhost:{port}"
    assert not listens(f"127.0.0.1:{port}")


def test_unchanged_keeps_toxics_and_connections_changed_is_replaced(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    server.add("latency", latency=1)
    port = pair.proxy["listen"].rpartition(":")[2]
    same = {"name": "p", "listen": f"localhost:{port}", "upstream": pair.proxy["upstream"]}
    kept = server.ok("POST", "/populate", [same])["proxies"][0]
    assert kept["listen"] == f"127.0.0.1:{port}"
    assert [toxic["name"] for toxic in kept["toxics"]] == ["latency"]
    assert passes(client, end)
    replaced = server.ok("POST", "/populate", [{**same, "upstream": "localhost:9"}])["proxies"][0]
    assert (replaced["upstream"], replaced["toxics"]) == ("localhost:9", [])
    assert drain(client) == b""


@pytest.mark.parametrize("enabled", [True, False])
def test_enabled_of_an_unchanged_entry_is_ignored(server: Server, enabled: bool) -> None:
    listen = server.create("a", UNUSED)["listen"]
    server.ok("POST", "/proxies/a", {"enabled": not enabled})
    assert server.ok("POST", "/populate", [entry("a", listen, enabled=enabled)])["proxies"][0]["enabled"] is not enabled


def test_port_zero_always_replaces(server: Server) -> None:
    server.create("a", UNUSED)
    server.add("latency", proxy="a")
    assert server.ok("POST", "/populate", [entry("a")])["proxies"][0]["toxics"] == []


def test_toxics_can_be_added_to_populated_proxies(server: Server) -> None:
    server.ok("POST", "/populate", [entry("a")])
    server.add("latency", proxy="a", latency=100)
    assert len(server.ok("GET", "/proxies/a/toxics")) == 1


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ([{"upstream": UNUSED}], "missing required field: name at proxy 1"),
        ([{}], "missing required field: name at proxy 1"),
        ([None], "missing required field: name at proxy 1"),
        ([entry("a"), {"upstream": UNUSED}], "missing required field: name at proxy 2"),
        ([entry("a"), {"name": "b"}], "missing required field: upstream at proxy 2"),
        ("", "bad request body: EOF"),
        ("[", "bad request body: unexpected EOF"),
        (
            {},
            (
                "bad request body: json: cannot unmarshal object into Go value of type "
                '[]struct { toxiproxy.Proxy; Enabled *bool "json:\\"enabled\\"" }'
            ),
        ),
    ],
)
def test_bad_bodies_create_nothing(server: Server, body: Any, text: str) -> None:
    reply = server.call("POST", "/populate", body)
    assert (reply.status, reply.json) == (400, {"error": text, "status": 400, "proxies": None})
    assert reply.headers["content-type"] == "application/json"
    assert not reply.text.endswith("\n")
    assert server.ok("GET", "/proxies") == {}


@pytest.mark.parametrize("body", ["[]", "null"])
def test_nothing_to_do(server: Server, body: str) -> None:
    reply = server.call("POST", "/populate", body)
    assert (reply.status, reply.text) == (201, '{"proxies":null}')


def test_the_first_failure_stops_the_run(server: Server) -> None:
    reply = server.call("POST", "/populate", [entry("a"), entry("b", "bad"), entry("c")])
    assert (reply.status, reply.error) == (500, "listen tcp: address bad: missing port in address")
    assert [proxy["name"] for proxy in reply.json["proxies"]] == ["a"]
    assert list(server.ok("GET", "/proxies")) == ["a"]


def test_a_failure_at_once(server: Server) -> None:
    reply = server.call("POST", "/populate", [entry("a", "bad")])
    assert (reply.status, reply.json["proxies"]) == (500, None)


def test_a_failed_replacement_leaves_the_old_one_disabled(server: Server) -> None:
    old = server.create("a", UNUSED)
    taken = server.create("b", UNUSED)["listen"]
    reply = server.call("POST", "/populate", [entry("a", taken)])
    assert (reply.status, reply.error) == (500, f"listen tcp {taken}: bind: address already in use")
    assert server.ok("GET", "/proxies/a") == {**old, "enabled": False}


def test_an_unresolvable_replacement_changes_nothing(server: Server) -> None:
    old = server.create("a", UNUSED)
    reply = server.call("POST", "/populate", [entry("a", "bad")])
    assert (reply.status, reply.error) == (500, "address bad: missing port in address")
    assert server.ok("GET", "/proxies/a") == old


def test_a_name_given_twice(server: Server) -> None:
    first, second = server.ok("POST", "/populate", [entry("a"), entry("a")])["proxies"]
    assert (first["enabled"], second["enabled"]) == (False, True)


@pytest.mark.difference("wildcards")
@pytest.mark.parametrize("spelling", ["0.0.0.0:{}", ":{}"])
def test_repeating_a_wildcard(server: Server, spelling: str) -> None:
    listen = spelling.format(free_port())
    server.ok("POST", "/populate", [entry("a", listen)])
    server.add("latency", proxy="a")
    again = server.ok("POST", "/populate", [entry("a", listen)])["proxies"][0]
    assert len(again["toxics"]) == (1 if server.own else 0)


@pytest.mark.parametrize("spelling", ["[::]:{}", "127.0.0.1:{}", "localhost:{}"])
def test_repeating_these_is_idempotent(server: Server, spelling: str) -> None:
    listen = spelling.format(free_port())
    server.ok("POST", "/populate", [entry("a", listen)])
    server.add("latency", proxy="a")
    assert len(server.ok("POST", "/populate", [entry("a", listen)])["proxies"][0]["toxics"]) == 1


def test_toxics_in_a_body_are_ignored(server: Server) -> None:
    toxics = [{"type": "latency"}]
    assert server.create("a", UNUSED, toxics=toxics)["toxics"] == []
    assert server.ok("POST", "/populate", [entry("b", toxics=toxics)])["proxies"][0]["toxics"] == []


# --- configuration file -----------------------------------------------------------------------------------


def test_config_creates_proxies_before_the_api_listens(start: Callable[..., Server], tmp_path: Path) -> None:
    config = tmp_path / "toxiproxy.json"
    config.write_text(json.dumps([entry("a"), entry("b", enabled=False)]))
    index = start("-config", str(config)).ok("GET", "/proxies")
    assert {name: proxy["enabled"] for name, proxy in index.items()} == {"a": True, "b": False}


@pytest.mark.parametrize("content", [None, "{", '[{"name":"a"}]'])
def test_a_config_that_cannot_be_used_is_survived(
    start: Callable[..., Server], tmp_path: Path, content: str | None
) -> None:
    config = tmp_path / "toxiproxy.json"
    if content is not None:
        config.write_text(content)
    assert start("-config", str(config)).ok("GET", "/proxies") == {}


def test_a_config_that_fails_half_way_keeps_the_first_half(start: Callable[..., Server], tmp_path: Path) -> None:
    config = tmp_path / "toxiproxy.json"
    config.write_text(json.dumps([entry("a"), entry("b", "bad"), entry("c")]))
    assert list(start("-config", str(config)).ok("GET", "/proxies")) == ["a"]


# --- reset ------------------------------------------------------------------------------------------------


def test_reset_removes_toxics_and_enables(server: Server) -> None:
    listen = server.create("a", UNUSED)["listen"]
    server.add("latency", proxy="a")
    server.add("bandwidth", proxy="a", stream="upstream", rate=5)
    server.ok("POST", "/proxies/a", {"enabled": False})
    reply = server.call("POST", "/reset")
    assert (reply.status, reply.text) == (204, "")
    after = server.ok("GET", "/proxies/a")
    assert (after["enabled"], after["toxics"]) == (True, [])
    assert listens(listen)


def test_reset_keeps_connections(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    server.add("latency", latency=20)
    assert passes(end, client)
    server.call("POST", "/reset", "any body")
    assert passes(client, end)
    assert passes(end, client)


def test_reset_closes_what_a_timeout_has_hurt(server: Server, pair: Pair) -> None:
    client, end = pair.connect()
    server.add("timeout")
    server.ok("POST", "/reset")
    assert (drain(client), drain(end)) == (b"", b"")


def test_reset_stops_at_a_proxy_that_cannot_start(server: Server) -> None:
    server.create("a", UNUSED, "bad", enabled=False)
    reply = server.call("POST", "/reset")
    assert (reply.status, reply.error) == (500, "listen tcp: address bad: missing port in address")
    assert list(server.ok("GET", "/proxies")) == ["a"]
