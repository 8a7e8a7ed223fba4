"""Every fault of an edge bites on a real connection and is gone afterwards, over both servers."""

import json
import re
from typing import Any

import pytest

from chaos.toxiproxy.adapter import Adapter
from tests.integration.faults.conftest import Stage

EDGE = "users→redis"


@pytest.mark.parametrize(
    ("edge", "type_name", "values", "seen"),
    [
        (EDGE, "latency", ["latency=300ms", "jitter=50"], "answered after"),
        ("users→postgres", "latency", ["latency=200"], "answered after"),
        ("worker→mail", "latency", ["latency=200"], "answered after"),
        ("worker→mail-api", "latency", ["latency=200"], "answered after"),
        (EDGE, "bandwidth", ["rate=0"], "silence after"),
        ("worker→mail-api", "bandwidth", ["rate=100"], "answered after"),
        (EDGE, "slow_close", ["delay=1s"], "slow_close"),
        (EDGE, "timeout", [], "silence after"),
        ("users→postgres", "timeout", ["timeout=100"], "closed after"),
        (EDGE, "reset_peer", ["timeout=50"], "reset after"),
        (EDGE, "slicer", ["average_size=1"], "slicer"),
        (EDGE, "limit_data", ["bytes=3"], "3 bytes"),
        (EDGE, "noop", [], "noop"),
        (EDGE, "down", [], "refused after"),
    ],
)
def test_each_type_bites_and_is_gone_when_it_is_cleared(
    stage: Stage, edge: str, type_name: str, values: list[str], seen: str
) -> None:
    before = stage.proxy(edge)
    fault = stage.add(edge.replace("→", "->"), type_name, *values)
    assert seen in fault["observation"]
    assert stage.proxy(edge) != before
    out, _ = stage.bench.run("fault", "clear", fault["id"])
    assert out.startswith(f"taken back: {fault['id']}")
    assert stage.proxy(edge) == before


def test_latency_is_felt_by_a_client_of_that_edge_alone(stage: Stage) -> None:
    stage.add(EDGE, "latency", "latency=400", "--stream", "both")
    assert stage.ping_seconds(EDGE) > 0.75
    assert stage.quickest_ping_seconds("orders→redis") < 0.3
    stage.bench.run("fault", "clear", EDGE)
    assert stage.quickest_ping_seconds(EDGE) < 0.3


def test_stream_and_toxicity_arrive_at_the_proxy(stage: Stage) -> None:
    stage.add(EDGE, "latency", "latency=5", "--stream", "both", "--toxicity", "0.25")
    toxics = stage.proxy(EDGE).toxics
    assert {(t.stream, t.toxicity, t.attributes["latency"]) for t in toxics} == {
        ("upstream", 0.25, 5),
        ("downstream", 0.25, 5),
    }


def test_a_delay_longer_than_anybody_waits_is_still_proven(stage: Stage) -> None:
    fault = stage.add("worker→mail", "latency", "latency=60s")
    found = re.search(r"through the proxy: silence after (\d+) ms", fault["observation"])
    assert found, fault["observation"]
    # it waits for 10 s: a timer of whole milliseconds may end that a little early, and a busy machine late
    assert 9_000 < int(found[1]) < 20_000


def test_a_fault_that_has_no_effect_is_an_error_and_taken_back(stage: Stage) -> None:
    port = stage.bench.instance.port("toxiproxy")
    with Adapter(port=port) as server:
        found = server.proxy(EDGE)
        server.delete(EDGE)
        # what nobody should do: another proxy in front of this port that lets everything pass
        server.create("bypass", found.listen, found.upstream)
        server.create(EDGE, "127.0.0.1:0", found.upstream)
        try:
            _, err = stage.bench.run("fault", "add", EDGE, "timeout", code=1)
            assert "has no effect that could be seen" in err
            assert server.proxy(EDGE).toxics == ()
        finally:
            server.delete("bypass")
            server.delete(EDGE)
            server.create(EDGE, found.listen, found.upstream)


def test_edges_tell_what_is_on_them_and_what_they_carried(stage: Stage) -> None:
    def rows() -> dict[str, Any]:
        return {row["edge"]: row for row in json.loads(stage.bench.run("edges", "--json")[0])["rows"]}

    stage.ping_seconds(EDGE)
    before = rows()
    assert set(before) == {edge.name for edge in stage.bench.instance.edges()}
    assert before[EDGE]["port"] == stage.proxy_port(EDGE)
    stage.add(EDGE, "latency", "latency=1")
    stage.add("worker→mail", "down")
    stage.ping_seconds(EDGE)
    after = rows()
    assert after[EDGE]["toxics"] == ["latency ↓ latency=1"]
    assert after["worker→mail"]["state"] == "down"
    assert after[EDGE]["bytes_to_server"] >= before[EDGE]["bytes_to_server"] + len(b"PING\r\n")
    assert (after[EDGE]["connections"] is not None) == (stage.choice == "own")


def test_the_table_of_edges_says_what_the_real_server_cannot_tell(stage: Stage) -> None:
    out, _ = stage.bench.run("edges")
    assert "users→redis" in out
    assert ("counts bytes when a connection ends" in " ".join(out.split())) == (stage.choice == "real")
