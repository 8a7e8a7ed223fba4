"""Decoding, limits, ids and rows, without a server."""

import base64
import contextlib
import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from observability.traces.attributes import plain
from observability.traces.ids import InvalidTraceIdError, parse_trace_id
from observability.traces.otlp import Encoding, OtlpError, decode, decompress, encoding_of
from observability.traces.query.durations import parse_duration
from observability.traces.rows import batch_of


@settings(deadline=None)  # the machine may be busy with other tests
@given(st.binary(max_size=2_000))
def test_decompression_is_the_inverse_of_gzip(body: bytes) -> None:
    assert decompress(gzip.compress(body), "gzip", 2_000) == body
    assert decompress(body, "", 2_000) == body


@settings(deadline=None)  # the machine may be busy with other tests
@given(st.binary(max_size=300))
def test_whatever_arrives_it_is_decoded_or_refused(body: bytes) -> None:
    for encoding in Encoding:
        with contextlib.suppress(OtlpError):
            batch_of(decode(body, encoding))


@pytest.mark.parametrize("size", [10, 11])
def test_the_limit_counts_decompressed_bytes(size: int) -> None:
    for body, encoding in ((gzip.compress(b"x" * size), "gzip"), (b"x" * size, "identity")):
        if size <= 10:
            assert decompress(body, encoding, 10) == b"x" * size
        else:
            with pytest.raises(OtlpError) as caught:
                decompress(body, encoding, 10)
            assert caught.value.status == 413


def test_bytes_after_the_gzip_stream_are_refused() -> None:
    with pytest.raises(OtlpError, match="goes on"):
        decompress(gzip.compress(b"a") + b"b", "gzip", 100)


def test_media_types() -> None:
    assert encoding_of("application/json; charset=utf-8") is Encoding.JSON
    assert encoding_of("Application/X-Protobuf") is Encoding.PROTOBUF
    with pytest.raises(OtlpError, match="text/html"):
        encoding_of("text/html")


def test_ids_in_json_are_hexadecimal() -> None:
    span = {"traceId": "0AF7651916CD43DD8448EB211C80319C", "spanId": "b7ad6b7169203331", "parentSpanId": ""}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    (row,) = batch_of(decode(body, Encoding.JSON)).spans
    assert row.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert row.is_root
    span["traceId"] = base64.b64encode(bytes(range(16))).decode()
    with pytest.raises(OtlpError):
        decode(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode(), Encoding.JSON)


def test_spans_that_cannot_be_stored_are_rejected_with_the_first_reason() -> None:
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    spans.add(trace_id=bytes(16), span_id=b"12345678")
    spans.add(trace_id=b"1" * 16, span_id=b"1")
    spans.add(trace_id=b"1" * 16, span_id=b"12345678", end_time_unix_nano=2**63)
    spans.add(trace_id=b"1" * 16, span_id=b"12345678")
    batch = batch_of(request)
    assert (len(batch.spans), batch.rejected) == (1, 3)
    assert batch.rejected_because.startswith("trace id")
    assert batch.spans[0].origin.service == "unknown_service"


def test_attribute_values() -> None:
    nested = KeyValueList(values=[KeyValue(key="a", value=AnyValue(bytes_value=b"\x01\xff"))])
    values = [AnyValue(string_value="x"), AnyValue(bool_value=False), AnyValue(int_value=0), AnyValue(double_value=1.5),
              AnyValue(kvlist_value=nested), AnyValue()]  # fmt: skip
    assert plain(AnyValue(array_value=ArrayValue(values=values))) == ["x", False, 0, 1.5, {"a": "01ff"}, None]


def test_trace_ids() -> None:
    assert parse_trace_id("ABC") == b"\x00" * 14 + b"\x0a\xbc"
    for text in ("", "0", "g", "1" * 33, "１２", "0x1", " 1", "1\n"):
        with pytest.raises(InvalidTraceIdError):
            parse_trace_id(text)


def test_durations() -> None:
    assert parse_duration("1m30.5s") == 90_500_000_000
    assert parse_duration("100ms") == 100_000_000
    for text in ("", "5", "-1s", "1 s", "1d"):
        with pytest.raises(ValueError, match="duration"):
            parse_duration(text)
