"""Toxics through the API: update, and attributes that the servers judge differently."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.support import FIELD, Server


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(
    ("body", "latency", "jitter", "toxicity"),
    [
        ({}, 100, 10, 0.5),
        ("null", 100, 10, 0.5),
        ({"attributes": {"latency": 1000}}, 1000, 10, 0.5),
        ({"attributes": {"jitter": 3}, "toxicity": 0.2}, 100, 3, 0.2),
        ({"toxicity": 0}, 100, 10, 0),
        ({"toxicity": None, "attributes": None}, 100, 10, 0.5),
        ({"attributes": {"LATENCY": 7, "jitter": None}}, 7, 10, 0.5),
        ({"name": "n", "type": "timeout", "stream": "bogus"}, 100, 10, 0.5),
        ({"name": 5, "type": 5, "stream": 5}, 100, 10, 0.5),
    ],
)
def test_update_merges(
    server: Server,
    post: Callable[..., Any],
    method: str,
    body: Any,
    latency: int,
    jitter: int,
    toxicity: float,
) -> None:
    post({"name": "t", "type": "latency", "toxicity": 0.5, "attributes": {"latency": 100, "jitter": 10}})
    shown = server.ok(method, "/proxies/p/toxics/t", body)
    assert shown == {
        "attributes": {"latency": latency, "jitter": jitter},
        "name": "t",
        "type": "latency",
        "stream": "downstream",
        "toxicity": toxicity,
    }
    assert server.ok("GET", "/proxies/p/toxics/t") == shown


BAD_UPDATES = [
    ("", "EOF"),
    ('{"toxicity":"x"}', FIELD.format("string", ".toxicity", "float32")),
    ('{"attributes":5}', FIELD.format("number", ".attributes", "toxics.LatencyToxic")),
    ('{"attributes":[]}', FIELD.format("array", ".attributes", "toxics.LatencyToxic")),
    (
        '{"attributes":{"latency":1.5},"toxicity":0.3}',
        FIELD.format("number 1.5", "LatencyToxic.attributes.latency", "int64"),
    ),
]


@pytest.mark.parametrize(("body", "text"), BAD_UPDATES, ids=range(len(BAD_UPDATES)))
def test_update_with_a_bad_body(server: Server, post: Callable[..., Any], body: str, text: str) -> None:
    before = post({"name": "t", "type": "latency", "attributes": {"latency": 100}}).json
    reply = server.call("PATCH", "/proxies/p/toxics/t", body)
    assert (reply.status, reply.error) == (400, f"bad request body: {text}")
    assert server.ok("GET", "/proxies/p/toxics/t") == before


@pytest.mark.difference("atomic updates")
def test_a_refused_update_may_be_partly_applied(server: Server, post: Callable[..., Any]) -> None:
    post({"name": "t", "type": "latency", "attributes": {"latency": 100, "jitter": 10}})
    body = '{"attributes":{"jitter":4,"latency":"x"}}'
    assert server.call("PATCH", "/proxies/p/toxics/t", body).status == 400
    after = server.ok("GET", "/proxies/p/toxics/t")["attributes"]
    assert after == {"latency": 100, "jitter": 10 if server.own else 4}


@pytest.mark.difference("crashing attributes")
@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("bandwidth", {"rate": -1}),
        ("slicer", {}),
        ("slicer", {"average_size": -1}),
        ("slicer", {"average_size": 10, "size_variation": 11}),
        ("slicer", {"average_size": 10, "size_variation": -1}),
    ],
)
def test_attributes_that_crash_the_real_server(
    server: Server, post: Callable[..., Any], kind: str, attributes: dict[str, int]
) -> None:
    reply = post({"type": kind, "attributes": attributes})
    assert reply.status == (400 if server.own else 200)
    if server.own:
        assert kind in reply.error
        assert server.ok("GET", "/proxies/p/toxics") == []


@pytest.mark.difference("crashing attributes")
def test_an_update_to_attributes_that_crash(server: Server, post: Callable[..., Any]) -> None:
    post({"name": "t", "type": "bandwidth", "attributes": {"rate": 5}})
    reply = server.call("POST", "/proxies/p/toxics/t", {"attributes": {"rate": -1}})
    assert reply.status == (400 if server.own else 200)
    assert server.ok("GET", "/proxies/p/toxics/t")["attributes"] == {"rate": 5 if server.own else -1}
