"""OTLP/HTTP in: both encodings, compression, limits, errors in the sender's own form."""

import gzip
import json
import socket
from typing import Any

import httpx
import psutil
import pytest
from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

TRACE = "5b8efff798038103d269b633813fc60c"
JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}


def json_export(**span: Any) -> dict[str, Any]:
    given = {
        "traceId": TRACE,
        "spanId": "eee19b7ec3c1b174",
        "name": "POST /orders",
        "kind": 2,
        "startTimeUnixNano": "1795557509000000000",
        "endTimeUnixNano": 1795557510000000000,
        "somethingNew": {"unknown": "fields are ignored"},
        "links": [{"traceId": TRACE, "spanId": "eee19b7ec3c1b175"}],
        **span,
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "edge"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [given]}]}]}


@pytest.mark.parametrize("compressed", [False, True])
def test_json_is_stored_and_answered_in_json(store: Any, compressed: bool) -> None:
    body = json.dumps(json_export()).encode()
    headers = JSON | ({"Content-Encoding": "gzip"} if compressed else {})
    answer = store.http.post("/v1/traces", content=gzip.compress(body) if compressed else body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"], answer.json()) == (200, "application/json", {})
    (batch,) = store.http.get(f"/api/traces/{TRACE}").json()["batches"]
    (span,) = batch["scopeSpans"][0]["spans"]
    assert span["name"] == "POST /orders"
    assert span["kind"] == "SPAN_KIND_SERVER"
    assert len(span["links"]) == 1


@pytest.mark.parametrize("compressed", [False, True])
def test_protobuf_is_stored_and_answered_in_protobuf(store: Any, make_export: Any, compressed: bool) -> None:
    body = make_export(trace_id=TRACE).SerializeToString()
    headers = PROTOBUF | ({"Content-Encoding": "gzip"} if compressed else {})
    answer = store.http.post("/v1/traces", content=gzip.compress(body) if compressed else body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-protobuf")
    assert ExportTraceServiceResponse.FromString(answer.content) == ExportTraceServiceResponse()
    assert store.http.get(f"/api/traces/{TRACE}").status_code == 200


def test_invalid_spans_are_rejected_and_the_valid_ones_beside_them_stored(store: Any, make_export: Any) -> None:
    export = make_export(2)
    export.resource_spans[0].scope_spans[0].spans[0].span_id = b"short"
    answer = ExportTraceServiceResponse.FromString(store.send(export).content)
    assert answer.partial_success.rejected_spans == 1
    assert "span id" in answer.partial_success.error_message
    assert store.metric("trace_store_spans_stored_total") == 1
    assert store.metric("trace_store_spans_dropped_total", reason="invalid") == 1


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"\xff\xff garbage", PROTOBUF),
        (b"{not json", JSON),
        (b'{"resourceSpans": [{"scopeSpans": 5}]}', JSON),
        (json.dumps(json_export(traceId="not hexadecimal")).encode(), JSON),
        (json.dumps(json_export(traceId=5)).encode(), JSON),
        (json.dumps(json_export(kind={"no": "enum"})).encode(), JSON),
        (b"[" * 100_000, JSON),
        (b"no gzip", PROTOBUF | {"Content-Encoding": "gzip"}),
        (gzip.compress(b"cut off")[:-9], PROTOBUF | {"Content-Encoding": "gzip"}),
    ],
)
def test_garbage_is_refused_with_a_status_message(store: Any, body: bytes, headers: dict[str, str]) -> None:
    answer = store.http.post("/v1/traces", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == headers["Content-Type"]
    status = status_of(answer)
    assert status.code == 3
    assert len(status.message) > 20
    assert store.metric("trace_store_requests_refused_total", reason="malformed") == 1


def status_of(answer: httpx.Response) -> Status:
    if answer.headers["content-type"] == "application/x-protobuf":
        return Status.FromString(answer.content)
    status: Status = json_format.Parse(answer.content, Status())
    return status


def test_other_media_types_and_compressions_are_415(store: Any) -> None:
    text = store.http.post("/v1/traces", content=b"x", headers={"Content-Type": "text/plain"})
    assert text.status_code == 415
    assert "application/x-protobuf" in status_of(text).message
    brotli = store.http.post("/v1/traces", content=b"x", headers=PROTOBUF | {"Content-Encoding": "br"})
    assert brotli.status_code == 415
    assert "gzip" in status_of(brotli).message


def test_a_body_that_is_too_large_is_413(make_store: Any, make_export: Any) -> None:
    store = make_store(max_body_bytes=10_000)
    answer = store.send(make_export(1_000))
    assert answer.status_code == 413
    assert status_of(answer).code == 8
    assert store.metric("trace_store_requests_refused_total", reason="too_large") == 1


def test_a_gzip_bomb_is_refused_without_being_unpacked(store: Any, make_export: Any) -> None:
    bomb = gzip.compress(bytes(1024 * 1024 * 1024), compresslevel=9)
    assert len(bomb) < 4 * 1024 * 1024
    before = psutil.Process(store.process.pid).memory_info().rss
    answers = [
        store.http.post("/v1/traces", content=bomb, headers=PROTOBUF | {"Content-Encoding": "gzip"}) for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [413] * 3
    grown = psutil.Process(store.process.pid).memory_info().rss - before
    assert grown < 128 * 1024 * 1024
    assert store.send(make_export()).status_code == 200


def test_senders_that_stall_are_bounded_and_do_not_stop_the_others_for_long(store: Any, make_export: Any) -> None:
    head = (
        b"POST /v1/traces HTTP/1.1\r\nHost: store\r\nContent-Type: application/x-protobuf\r\nContent-Length: 99\r\n\r\n"
    )
    stalled = [socket.create_connection(("127.0.0.1", store.port)) for _ in range(64)]
    for connection in stalled:
        connection.sendall(head)
    store.until(lambda: store.send(make_export()).status_code == 503, "all places to be taken", seconds=8)
    assert store.metric("trace_store_requests_refused_total", reason="busy") >= 1
    store.until(lambda: store.send(make_export()).status_code == 200, "the stalled ones to be given up")
    for connection in stalled:
        assert b" 503 " in connection.recv(4_096)
        connection.close()


def test_spans_arrive_in_any_order_and_twice_and_are_stored_once(store: Any, make_export: Any) -> None:
    child = make_export(first=2, trace_id=TRACE, parent=f"{1:016x}", name="child")
    root = make_export(first=1, trace_id=TRACE, name="root", service="edge")
    for export in (child, child, root, child, root):
        assert store.send(export).status_code == 200
    batches = store.http.get(f"/api/traces/{TRACE}").json()["batches"]
    assert sorted(s["name"] for b in batches for s in b["scopeSpans"][0]["spans"]) == ["child", "root"]
    assert store.metric("trace_store_spans_stored_total") == 2
    assert store.metric("trace_store_spans_duplicate_total") == 3
    (found,) = store.http.get("/api/search").json()["traces"]
    assert (found["rootServiceName"], found["rootTraceName"]) == ("edge", "root")
