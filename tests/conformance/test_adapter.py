"""The adapter, driving both servers; and two servers from one process."""

import socket
from collections.abc import Callable, Iterator

import pytest

from chaos.toxiproxy.adapter import Adapter
from chaos.toxiproxy.errors import ToxiproxyError, UnreachableError
from stormglass.runtime.ports import free_port
from tests.conformance.support import Pair, Server, drain, listens, passes, seconds


@pytest.fixture
def adapter(server: Server) -> Iterator[Adapter]:
    with Adapter(port=server.running.port) as made:
        yield made


def test_create_list_delete(adapter: Adapter) -> None:
    made = adapter.create("a", "localhost:0", "localhost:1")
    assert adapter.proxies() == {"a": made}
    assert adapter.proxy("a") == made
    adapter.delete("a")
    assert adapter.proxies() == {}


def test_version(adapter: Adapter) -> None:
    assert adapter.version() in {"2.12.0", "git"}


def test_errors_carry_the_servers_words(adapter: Adapter) -> None:
    adapter.create("a", "localhost:0", "localhost:1")
    cases: list[tuple[int, str, Callable[[], object]]] = [
        (409, "proxy already exists", lambda: adapter.create("a", "localhost:0", "localhost:1")),
        (500, "missing port in address", lambda: adapter.create("b", "bad", "localhost:1")),
        (404, "proxy not found", lambda: adapter.proxy("none")),
        (404, "proxy not found", lambda: adapter.delete("none")),
        (404, "toxic not found", lambda: adapter.remove_toxic("a", "none")),
        (400, "invalid toxic type", lambda: adapter.add_toxic("a", "nonsense")),
        (400, "missing required field: name at proxy 1", lambda: adapter.populate([{"upstream": "x"}])),
    ]
    for status, text, action in cases:
        with pytest.raises(ToxiproxyError, match=text) as caught:
            action()
        assert caught.value.status == status


def test_toxic_add_update_remove(adapter: Adapter) -> None:
    adapter.create("a", "localhost:0", "localhost:1")
    added = adapter.add_toxic("a", "latency", stream="upstream", toxicity=0.5, latency=800, jitter=10)
    assert (added.name, added.stream, added.toxicity) == ("latency_upstream", "upstream", 0.5)
    assert added.attributes == {"latency": 800, "jitter": 10}
    updated = adapter.update_toxic("a", added.name, latency=5)
    assert (updated.attributes, updated.toxicity) == ({"latency": 5, "jitter": 10}, 0.5)
    assert adapter.update_toxic("a", added.name, toxicity=0.25).toxicity == 0.25
    adapter.remove_toxic("a", added.name)
    assert adapter.toxics("a") == {}


def test_a_toxic_for_the_length_of_a_block(adapter: Adapter, pair: Pair) -> None:
    client, end = pair.connect()
    with adapter.toxic("p", "latency", stream="downstream", toxicity=1.0, latency=1000) as toxic:
        assert adapter.toxics("p") == {"latency_downstream": toxic}
        assert seconds(lambda: passes(end, client)) >= 1
    assert adapter.toxics("p") == {}
    assert seconds(lambda: passes(end, client)) < 1


def test_the_block_ends_though_it_fails_or_the_toxic_is_gone(adapter: Adapter, pair: Pair) -> None:
    with pytest.raises(ZeroDivisionError), adapter.toxic("p", "latency", latency=1):
        raise ZeroDivisionError
    assert adapter.toxics("p") == {}
    with adapter.toxic("p", "latency", latency=1):
        adapter.reset()
    assert adapter.toxics("p") == {}


def test_down(adapter: Adapter, pair: Pair) -> None:
    client, _end = pair.connect()
    with adapter.down("p"):
        assert drain(client) == b""
        assert not listens(pair.proxy["listen"])
    assert listens(pair.proxy["listen"])


def test_populate_destroys_nothing(adapter: Adapter, pair: Pair) -> None:
    client, end = pair.connect()
    adapter.add_toxic("p", "latency", latency=1)
    same = {"name": "p", "listen": pair.proxy["listen"], "upstream": pair.proxy["upstream"]}
    made = adapter.populate([same, {"name": "q", "listen": "localhost:0", "upstream": "x:1"}])
    assert [proxy.name for proxy in made] == ["p", "q"]
    assert len(made[0].toxics) == 1
    assert passes(client, end)


def test_two_servers_from_one_process(adapter: Adapter, start: Callable[..., Server]) -> None:
    with Adapter(port=start().running.port) as other:
        adapter.create("here", "localhost:0", "x:1")
        other.create("there", "localhost:0", "x:1")
        adapter.add_toxic("here", "latency")
        assert (list(adapter.proxies()), list(other.proxies())) == (["here"], ["there"])
        other.delete("there")
        assert list(adapter.proxies()) == ["here"]


def test_nobody_there() -> None:
    with Adapter(port=free_port()) as adapter, pytest.raises(UnreachableError, match="connection refused"):
        adapter.version()


def test_somebody_who_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        adapter = Adapter(port=silent.getsockname()[1], seconds=0.3)
        with adapter, pytest.raises(UnreachableError, match=r"no answer in 0\.3 s"):
            adapter.proxies()
