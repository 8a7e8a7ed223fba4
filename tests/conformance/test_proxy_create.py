"""Proxies: create, read, delete."""

import re
from collections.abc import Callable

import pytest

from stormglass.runtime.ports import free_port
from tests.conformance.support import UNUSED, Server, listens


def test_index_is_empty_then_lists_by_name(server: Server) -> None:
    assert server.ok("GET", "/proxies") == {}
    server.create("b", UNUSED)
    server.create("a", UNUSED)
    index = server.ok("GET", "/proxies")
    assert list(index) == ["a", "b"]
    assert index["a"] == server.ok("GET", "/proxies/a")


def test_create_reads_back_with_the_bound_address(server: Server) -> None:
    port = free_port()
    reply = server.call("POST", "/proxies", {"name": "m", "listen": f"localhost:{port}", "upstream": UNUSED})
    assert reply.status == 201
    assert reply.text == (
        f'{{"name":"m","listen":"127.0.0.1:{port}","upstream":"{UNUSED}","enabled":true,"Logger":{{}},"toxics":[]}}'
    )
    assert server.call("GET", "/proxies/m").text == reply.text
    assert listens(f"127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("listen", "pattern"),
    [
        ("localhost:0", r"127\.0\.0\.1:\d+"),
        ("127.0.0.1:", r"127\.0\.0\.1:\d+"),
        ("", r"\[::\]:\d+"),
        (":0", r"\[::\]:\d+"),
        ("0.0.0.0:0", r"\[::\]:\d+"),
        ("[::]:0", r"\[::\]:\d+"),
        ("[::1]:0", r"\[::1\]:\d+"),
    ],
)
def test_listen_becomes_the_actual_address(server: Server, listen: str, pattern: str) -> None:
    created = server.create("a", UNUSED, listen)
    assert re.fullmatch(pattern, created["listen"])
    assert listens(created["listen"].replace("[::]", "127.0.0.1"))


@pytest.mark.parametrize("upstream", ["no port", "256.1.1.1:99999", "nowhere.invalid:1", ":80"])
def test_upstream_is_verbatim_and_never_checked(server: Server, upstream: str) -> None:
    assert server.create("a", upstream)["upstream"] == upstream


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"upstream": UNUSED}, "name"),
        ({"name": "", "upstream": UNUSED}, "name"),
        ({"name": None, "upstream": UNUSED}, "name"),
        ({"name": "a"}, "upstream"),
        ({"name": "a", "upstream": ""}, "upstream"),
        (None, "name"),
        ({}, "name"),
    ],
)
def test_missing_fields(server: Server, body: object, field: str) -> None:
    reply = server.call("POST", "/proxies", "null" if body is None else body)
    assert (reply.status, reply.error) == (400, f"missing required field: {field}")


def test_a_taken_name_is_refused_before_binding(server: Server) -> None:
    server.create("a", UNUSED)
    reply = server.call("POST", "/proxies", {"name": "a", "upstream": UNUSED, "listen": "bad"})
    assert (reply.status, reply.error) == (409, "proxy already exists")
    server.ok("DELETE", "/proxies/a")
    server.create("a", UNUSED)


def test_a_taken_port_is_refused_and_nothing_stored(server: Server) -> None:
    listen = server.create("a", UNUSED)["listen"]
    reply = server.call("POST", "/proxies", {"name": "b", "upstream": UNUSED, "listen": listen})
    assert (reply.status, reply.error) == (500, f"listen tcp {listen}: bind: address already in use")
    assert server.call("GET", "/proxies/b").status == 404
    server.ok("DELETE", "/proxies/a")
    server.create("b", UNUSED, listen)


@pytest.mark.parametrize(
    ("listen", "text"),
    [
        ("bad", "address bad: missing port in address"),
        ("127.0.0.1", "address 127.0.0.1: missing port in address"),
        ("[::1]", "address [::1]: missing port in address"),
        ("127.0.0.1:99999", "address 99999: invalid port"),
        ("127.0.0.1:-1", "address -1: invalid port"),
        ("127.0.0.1:80x", "lookup tcp/80x: unknown port"),
        ("a:b:c", "address a:b:c: too many colons in address"),
        ("::", "address ::: too many colons in address"),
        ("[::1", "address [::1: missing ']' in address"),
    ],
)
def test_addresses_that_cannot_be_read(server: Server, listen: str, text: str) -> None:
    reply = server.call("POST", "/proxies", {"name": "a", "upstream": UNUSED, "listen": listen})
    assert (reply.status, reply.error) == (500, f"listen tcp: {text}")
    server.create("a", UNUSED)
    reply = server.call("POST", "/proxies/a", {"listen": listen})
    assert (reply.status, reply.error) == (500, text)


def test_an_address_of_another_machine(server: Server) -> None:
    reply = server.call("POST", "/proxies", {"name": "a", "upstream": UNUSED, "listen": "192.0.2.1:4000"})
    assert (reply.status, reply.error) == (500, "listen tcp 192.0.2.1:4000: bind: cannot assign requested address")


def test_a_host_that_does_not_resolve(server: Server) -> None:
    reply = server.call("POST", "/proxies", {"name": "a", "upstream": UNUSED, "listen": "nowhere.invalid:4000"})
    assert reply.status == 500
    assert reply.error.startswith("listen tcp: lookup nowhere.invalid")


def test_created_disabled_keeps_its_text_and_its_port_closed(server: Server) -> None:
    port = free_port()
    created = server.create("a", UNUSED, f"localhost:{port}", enabled=False)
    assert (created["listen"], created["enabled"]) == (f"localhost:{port}", False)
    assert not listens(f"127.0.0.1:{port}")


def test_created_disabled_then_enabled_then_disabled(server: Server) -> None:
    port = free_port()
    server.create("a", UNUSED, f"localhost:{port}", enabled=False)
    enabled = server.ok("POST", "/proxies/a", {"enabled": True})
    assert (enabled["listen"], enabled["enabled"]) == (f"127.0.0.1:{port}", True)
    assert listens(f"127.0.0.1:{port}")
    assert server.ok("POST", "/proxies/a", {"enabled": False})["enabled"] is False
    assert not listens(f"127.0.0.1:{port}")


def test_null_enabled_is_true(server: Server) -> None:
    assert server.create("a", UNUSED, enabled=None)["enabled"] is True


def test_delete_closes_the_port_and_is_not_repeatable(server: Server) -> None:
    listen = server.create("a", UNUSED)["listen"]
    reply = server.call("DELETE", "/proxies/a")
    assert (reply.status, reply.text) == (204, "")
    assert not listens(listen)
    assert server.call("DELETE", "/proxies/a").status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/proxies/none"),
        ("POST", "/proxies/none"),
        ("PATCH", "/proxies/none"),
        ("DELETE", "/proxies/none"),
        ("GET", "/proxies/none/toxics"),
        ("POST", "/proxies/none/toxics"),
        ("GET", "/proxies/none/toxics/t"),
        ("DELETE", "/proxies/none/toxics/t"),
    ],
)
def test_unknown_proxy_comes_before_a_bad_body(server: Server, method: str, path: str) -> None:
    reply = server.call(method, path, "{")
    assert (reply.status, reply.error) == (404, "proxy not found")


def test_names_are_path_segments(server: Server) -> None:
    server.create("a b", UNUSED)
    assert server.ok("GET", "/proxies/a%20b")["name"] == "a b"
    assert server.call("GET", "/proxies/a+b").status == 404


def test_a_name_with_a_slash_cannot_be_addressed(start: Callable[..., Server]) -> None:
    server = start()
    server.create("a/b", UNUSED)
    assert server.call("GET", "/proxies/a%2Fb").status == 404
    assert server.call("GET", "/proxies/a/b").status == 404
    assert "a/b" in server.ok("GET", "/proxies")
