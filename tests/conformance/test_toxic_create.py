"""Toxics through the API: create, read, delete."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.support import FIELD, Server

ZEROES = [
    ("latency", '{"latency":0,"jitter":0}'),
    ("bandwidth", '{"rate":0}'),
    ("slow_close", '{"delay":0}'),
    ("timeout", '{"timeout":0}'),
    ("reset_peer", '{"timeout":0}'),
    ("limit_data", '{"bytes":0}'),
    ("noop", "{}"),
]


@pytest.mark.parametrize(("kind", "attributes"), ZEROES)
def test_create_with_defaults_is_200_and_shows_zeroes(
    server: Server, post: Callable[..., Any], kind: str, attributes: str
) -> None:
    reply = post({"type": kind})
    assert reply.status == 200
    assert reply.text == (
        f'{{"attributes":{attributes},"name":"{kind}_downstream","type":"{kind}","stream":"downstream","toxicity":1}}'
    )
    assert server.call("GET", f"/proxies/p/toxics/{kind}_downstream").text == reply.text


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("latency", {"latency": 100, "jitter": 10}),
        ("latency", {"latency": -5, "jitter": -1}),
        ("bandwidth", {"rate": 2**62}),
        ("slow_close", {"delay": 7}),
        ("slicer", {"average_size": 64, "size_variation": 32, "delay": 10}),
        ("limit_data", {"bytes": 10}),
    ],
)
def test_attributes_read_back(post: Callable[..., Any], kind: str, attributes: dict[str, int]) -> None:
    assert post({"type": kind, "attributes": attributes}).json["attributes"] == attributes


def test_listing_has_upstream_first_then_insertion_order(server: Server, post: Callable[..., Any]) -> None:
    assert server.call("GET", "/proxies/p/toxics").text == "[]"
    for name, stream in (("d1", "downstream"), ("u1", "upstream"), ("d2", "downstream"), ("u2", "upstream")):
        post({"name": name, "type": "latency", "stream": stream})
    names = [toxic["name"] for toxic in server.ok("GET", "/proxies/p/toxics")]
    assert names == ["u1", "u2", "d1", "d2"]
    assert server.ok("GET", "/proxies/p")["toxics"] == server.ok("GET", "/proxies/p/toxics")


@pytest.mark.parametrize(
    ("stream", "echoed", "name"),
    [
        ("upstream", "upstream", "latency_upstream"),
        ("downstream", "downstream", "latency_downstream"),
        ("UpStream", "UpStream", "latency_UpStream"),
        (None, "downstream", "latency_downstream"),
    ],
)
def test_stream_spelling_is_kept(post: Callable[..., Any], stream: str | None, echoed: str, name: str) -> None:
    reply = post({"type": "latency", "stream": stream})
    assert (reply.json["stream"], reply.json["name"]) == (echoed, name)


@pytest.mark.parametrize("stream", ["", "sideways", "up", " upstream"])
def test_a_bad_stream(post: Callable[..., Any], stream: str) -> None:
    reply = post({"type": "latency", "stream": stream})
    assert (reply.status, reply.error) == (400, "stream was invalid, can be either upstream or downstream")


@pytest.mark.parametrize("kind", ["", "nope", "LATENCY", "packet_loss", "down"])
def test_an_unknown_type(post: Callable[..., Any], kind: str) -> None:
    reply = post({"type": kind})
    assert (reply.status, reply.error) == (400, "invalid toxic type")


@pytest.mark.parametrize("body", ["{}", "null"])
def test_no_type_at_all(post: Callable[..., Any], body: str) -> None:
    assert post(body).error == "invalid toxic type"


def test_a_taken_name_across_both_streams(post: Callable[..., Any]) -> None:
    assert post({"name": "t", "type": "latency", "stream": "upstream"}).status == 200
    for body in ({"name": "t", "type": "latency"}, {"name": "t", "type": "noop", "stream": "upstream"}):
        reply = post(body)
        assert (reply.status, reply.error) == (409, "toxic already exists")


def test_default_names_differ_by_stream(post: Callable[..., Any]) -> None:
    assert post({"type": "latency", "stream": "upstream"}).status == 200
    assert post({"type": "latency", "stream": "downstream"}).status == 200
    assert post({"type": "latency"}).status == 409


def test_the_order_of_checks(post: Callable[..., Any]) -> None:
    post({"name": "t", "type": "latency"})
    bad = {"latency": "x"}
    assert post({"attributes": 5, "stream": "bad"}).error.startswith("bad request body")
    assert post({"stream": "bad", "type": "nope"}).error.startswith("stream was invalid")
    assert post({"name": "t", "type": "nope"}).error == "invalid toxic type"
    assert post({"name": "t", "type": "latency", "attributes": bad}).status == 409
    assert post({"name": "u", "type": "latency", "attributes": bad}).status == 400


BAD_CREATES = [
    ("", "EOF"),
    ("[]", "json: cannot unmarshal array into Go value of type toxics.ToxicWrapper"),
    ('{"type":5}', FIELD.format("number", "ToxicWrapper.type", "string")),
    ('{"name":5}', FIELD.format("number", "ToxicWrapper.name", "string")),
    ('{"stream":5}', FIELD.format("number", "ToxicWrapper.stream", "string")),
    ('{"toxicity":"x"}', FIELD.format("string", "ToxicWrapper.toxicity", "float32")),
    ('{"toxicity":1e50}', FIELD.format("number 1e50", "ToxicWrapper.toxicity", "float32")),
    ('{"attributes":[]}', FIELD.format("array", "ToxicWrapper.attributes", "toxics.NoopToxic")),
    ('{"attributes":"x"}', FIELD.format("string", "ToxicWrapper.attributes", "toxics.NoopToxic")),
    (
        '{"type":"latency","attributes":{"latency":"100"}}',
        FIELD.format("string", "LatencyToxic.attributes.latency", "int64"),
    ),
    (
        '{"type":"latency","attributes":{"latency":1.5}}',
        FIELD.format("number 1.5", "LatencyToxic.attributes.latency", "int64"),
    ),
    (
        '{"type":"latency","attributes":{"latency":1e2}}',
        FIELD.format("number 1e2", "LatencyToxic.attributes.latency", "int64"),
    ),
    (
        '{"type":"latency","attributes":{"jitter":99999999999999999999}}',
        FIELD.format("number 99999999999999999999", "LatencyToxic.attributes.jitter", "int64"),
    ),
    (
        '{"type":"bandwidth","attributes":{"rate":true}}',
        FIELD.format("bool", "BandwidthToxic.attributes.rate", "int64"),
    ),
    (
        '{"type":"slicer","attributes":{"average_size":{}}}',
        FIELD.format("object", "SlicerToxic.attributes.average_size", "int"),
    ),
    (
        '{"type":"limit_data","attributes":{"bytes":"a"}}',
        FIELD.format("string", "LimitDataToxic.attributes.bytes", "int64"),
    ),
    (
        '{"type":"reset_peer","attributes":{"timeout":"a"}}',
        FIELD.format("string", "ResetToxic.attributes.timeout", "int64"),
    ),
    (
        '{"type":"slow_close","attributes":{"delay":"a"}}',
        FIELD.format("string", "SlowCloseToxic.attributes.delay", "int64"),
    ),
    (
        '{"type":"timeout","attributes":{"timeout":"a"}}',
        FIELD.format("string", "TimeoutToxic.attributes.timeout", "int64"),
    ),
]


@pytest.mark.parametrize(("body", "text"), BAD_CREATES, ids=range(len(BAD_CREATES)))
def test_create_with_a_bad_body(server: Server, post: Callable[..., Any], body: str, text: str) -> None:
    reply = post(body)
    assert (reply.status, reply.error) == (400, f"bad request body: {text}")
    assert server.ok("GET", "/proxies/p/toxics") == []


def test_attributes_match_in_any_case_and_unknown_ones_are_ignored(post: Callable[..., Any]) -> None:
    reply = post('{"type":"latency","attributes":{"LATENCY":5,"Jitter":null,"other":"x"}}')
    assert reply.json["attributes"] == {"latency": 5, "jitter": 0}


@pytest.mark.parametrize("attributes", [None, {}])
def test_no_attributes_are_all_zero(post: Callable[..., Any], attributes: object) -> None:
    assert post({"type": "latency", "attributes": attributes}).json["attributes"] == {"latency": 0, "jitter": 0}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("0.2", "0.2"),
        ("0", "0"),
        ("1", "1"),
        ("7", "7"),
        ("-3", "-3"),
        ("0.33333333333", "0.33333334"),
        ("123456789", "123456790"),
        ("1e21", "1e+21"),
        ("null", "1"),
    ],
)
def test_toxicity_is_a_float32_of_any_size(post: Callable[..., Any], given: str, shown: str) -> None:
    assert post(f'{{"type":"noop","toxicity":{given}}}').text.endswith(f'"toxicity":{shown}}}')


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_an_unknown_toxic_comes_before_a_bad_body(server: Server, post: Callable[..., Any], method: str) -> None:
    reply = server.call(method, "/proxies/p/toxics/none", "{")
    assert (reply.status, reply.error) == (404, "toxic not found")


def test_a_toxic_name_with_a_slash_cannot_be_addressed(server: Server, post: Callable[..., Any]) -> None:
    assert post({"type": "noop", "name": "a/b"}).status == 200
    assert server.call("GET", "/proxies/p/toxics/a%2Fb").status == 404


def test_delete(server: Server, post: Callable[..., Any]) -> None:
    post({"name": "t", "type": "latency"})
    reply = server.call("DELETE", "/proxies/p/toxics/t")
    assert (reply.status, reply.text) == (204, "")
    assert server.ok("GET", "/proxies/p/toxics") == []
    assert server.call("DELETE", "/proxies/p/toxics/t").status == 404
