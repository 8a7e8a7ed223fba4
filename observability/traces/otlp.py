"""The wire form of OTLP/HTTP trace exports: decoding within limits, and answers in the sender's own encoding.

The JSON form differs from protobuf's usual JSON mapping in one point: ids are hexadecimal, not base64
(OpenTelemetry protocol specification, "JSON Protobuf Encoding").
"""

import base64
import json
import zlib
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

# google.rpc.Code
INVALID_ARGUMENT = 3
RESOURCE_EXHAUSTED = 8
UNAVAILABLE = 14

_GZIP_WINDOW = 31  # zlib's 15 bits, plus 16: expect a gzip header


class Encoding(StrEnum):
    """The two encodings OTLP/HTTP knows, by their media types."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


class OtlpError(Exception):
    """An export that is refused: HTTP status, google.rpc code, the reason as text, and when to try again."""

    def __init__(self, status: int, code: int, reason: str, text: str, *, retry_after: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.reason = reason
        self.retry_after = retry_after

    def body(self) -> Status:
        """The error as OTLP wants it told."""
        return Status(code=self.code, message=str(self))


def encoding_of(content_type: str) -> Encoding:
    """The encoding a Content-Type names; `OtlpError` 415 for any other."""
    media_type = content_type.partition(";")[0].strip().lower()
    try:
        return Encoding(media_type)
    except ValueError:
        wanted = " or ".join(Encoding)
        text = f"Content-Type {media_type!r} is not supported: send {wanted}"
        raise OtlpError(415, INVALID_ARGUMENT, "unsupported", text) from None


def decompress(body: bytes, content_encoding: str, limit: int) -> bytes:
    """The body without its Content-Encoding; never more than `limit` bytes of it are made, whatever it claims."""
    match content_encoding.strip().lower():
        case "" | "identity":
            plain = body
        case "gzip":
            plain = _gunzip(body, limit)
        case other:
            text = f"Content-Encoding {other!r} is not supported: send gzip or none"
            raise OtlpError(415, INVALID_ARGUMENT, "unsupported", text)
    if len(plain) > limit:
        raise OtlpError(413, RESOURCE_EXHAUSTED, "too_large", f"the export has more than {limit} bytes uncompressed")
    return plain


def _gunzip(body: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        plain = stream.decompress(body, limit + 1)
    except zlib.error as error:
        raise OtlpError(400, INVALID_ARGUMENT, "malformed", f"the body is not gzip: {error}") from None
    if len(plain) <= limit and (not stream.eof or stream.unused_data):
        what = "goes on after its end" if stream.eof else "is cut off"
        raise OtlpError(400, INVALID_ARGUMENT, "malformed", f"the gzip stream {what}")
    return plain


def decode(body: bytes, encoding: Encoding) -> ExportTraceServiceRequest:
    """The export in an uncompressed body; `OtlpError` 400 if it is none."""
    request = ExportTraceServiceRequest()
    try:
        if encoding is Encoding.PROTOBUF:
            request.ParseFromString(body)
        else:
            document = json.loads(body)
            for node in _nodes_with_ids(document):
                _ids_to_base64(node)
            json_format.ParseDict(document, request, ignore_unknown_fields=True)
    except (DecodeError, json_format.ParseError, ValueError, TypeError, RecursionError) as error:
        kind = "protobuf" if encoding is Encoding.PROTOBUF else "JSON"
        text = f"the body is not an ExportTraceServiceRequest in {kind}: {str(error)[:200]}"
        raise OtlpError(400, INVALID_ARGUMENT, "malformed", text) from None
    return request


def encode(message: Message, encoding: Encoding) -> bytes:
    """An answer in the encoding of the request."""
    if encoding is Encoding.PROTOBUF:
        return bytes(message.SerializeToString())
    return str(json_format.MessageToJson(message, indent=None)).encode()


def _objects(parent: object, key: str) -> Iterator[dict[str, Any]]:
    children = parent.get(key) if isinstance(parent, dict) else None
    if isinstance(children, list):
        yield from (child for child in children if isinstance(child, dict))


def _nodes_with_ids(document: object) -> Iterator[dict[str, Any]]:
    for resource in _objects(document, "resourceSpans"):
        for scope in _objects(resource, "scopeSpans"):
            for span in _objects(scope, "spans"):
                yield span
                yield from _objects(span, "links")


def _ids_to_base64(node: dict[str, Any]) -> None:
    for key in ("traceId", "spanId", "parentSpanId"):
        if (text := node.get(key)) is not None:
            node[key] = base64.b64encode(bytes.fromhex(text)).decode()
