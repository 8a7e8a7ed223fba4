"""Exports like those of the platform's processes while orders are placed: the same spans, sizes, batches, compression.

Messages are built once; for each export only ids and times are written anew, so that the sender costs little beside the
store it measures.
"""

import gzip
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Attributes: TypeAlias = dict[str, str | int]

_HTTP: Attributes = {
    "http.request.method": "POST", "url.scheme": "http", "url.path": "/orders", "network.protocol.version": "1.1",
    "http.route": "/orders", "http.response.status_code": 201,
}  # fmt: skip
_EDGE: Attributes = {
    **_HTTP, "entry_point": "edge", "http.request.body.size": 57, "url.query": "", "user_agent.original": "Python/3.11",
    "server.address": "127.0.0.1:8000", "network.peer.address": "127.0.0.1", "client.address": "127.0.0.1",
    "client.port": 51_234, "network.peer.port": 51_234,
}  # fmt: skip
_CALL: Attributes = {
    "http.request.method": "POST", "url.template": "/orders", "server.address": "127.0.0.1", "peer.service": "orders",
    "http.response.status_code": 201,
}  # fmt: skip
_SQL: Attributes = {
    "server.address": "127.0.0.1", "server.port": 5_432, "db.namespace": "orders", "db.system.name": "postgresql",
    "db.operation.name": "INSERT",
    "db.query.text": 'INSERT INTO "order" (id, account, product, quantity, state) VALUES ($1, $2, $3, $4, $5)',
}  # fmt: skip
_REDIS: Attributes = {
    "db.system.name": "redis", "db.query.text": "EVALSHA ? ? ? ?", "db.redis.args_length": 5,
    "network.transport": "tcp", "server.address": "127.0.0.1", "server.port": 6_379,
}  # fmt: skip

# service, name, kind, how far below the root, attributes: one order
_SHAPE: tuple[tuple[str, str, int, int, Attributes], ...] = (
    ("edge", "POST", 2, 0, _EDGE),
    ("edge", "ReverseProxy", 3, 1, _EDGE),
    ("gateway", "POST /orders", 2, 2, _HTTP),
    ("gateway", "EVALSHA", 3, 3, _REDIS),
    ("gateway", "POST /orders", 3, 3, _CALL),
    ("edge", "POST", 2, 4, _EDGE),
    ("edge", "ReverseProxy", 3, 5, _EDGE),
    ("orders", "POST /orders", 2, 6, _HTTP),
    ("orders", "GET", 3, 7, _REDIS),
    ("orders", "POST /reservations", 3, 7, _CALL),
    ("products", "POST /reservations", 2, 8, _HTTP),
    ("products", "SELECT", 3, 9, _SQL),
    ("products", "UPDATE", 3, 9, _SQL),
    ("orders", "INSERT", 3, 7, _SQL),
    ("orders", "INSERT", 3, 7, _SQL),
    ("worker", "enqueue order_placed", 4, 8, {"messaging.system": "arq"}),
    ("worker", "run order_placed", 5, 9, {"messaging.system": "arq", "job.attempt": 1}),
    ("worker", "POST /reservations", 3, 10, _CALL),
    ("worker", "UPDATE", 3, 10, _SQL),
    ("worker", "send mail", 3, 10, {"peer.service": "mail"}),
)
SPANS_PER_ORDER = len(_SHAPE)


@dataclass(frozen=True, slots=True)
class Export:
    """One request body, how many spans are in it, and the id of one of its traces."""

    body: bytes
    spans: int
    trace_id: str


def exports(orders: int) -> Iterator[Export]:
    """Endless exports of `orders` orders each, one request per service in turn, never an id twice."""
    run = time.time_ns().to_bytes(8, "big")
    messages = [_Message(service, orders, run) for service in dict.fromkeys(row[0] for row in _SHAPE)]
    for first in itertools.count(1, orders):
        begun = time.time_ns()
        for message in messages:
            yield message.export(first, begun)


class _Message:
    """The export of one service; made once, with ids and times to be filled in."""

    def __init__(self, service: str, orders: int, run: bytes) -> None:
        self._request = ExportTraceServiceRequest()
        resource_spans = self._request.resource_spans.add()
        facts = {
            "telemetry.sdk.language": "python", "telemetry.sdk.name": "opentelemetry", "service.name": service,
            "service.instance.id": f"{service}-1", "service.version": "0.1.0", "service.namespace": "stormglass",
        }  # fmt: skip
        for key, value in facts.items():
            resource_spans.resource.attributes.add(key=key).value.string_value = value
        spans = resource_spans.scope_spans.add().spans
        # order, place in its shape, parent's place
        self._places: list[tuple[int, int, int | None]] = []
        for order in range(orders):
            for place, (owner, name, kind, depth, attributes) in enumerate(_SHAPE):
                if owner == service:
                    self._places.append((order, place, _parent(place, depth)))
                    _fill(spans.add(name=name, kind=kind), attributes)
        self._spans = list(spans)
        self._run = run

    def export(self, first: int, begun: int) -> Export:
        for span, (order, place, parent) in zip(self._spans, self._places, strict=True):
            number = (first + order) * 64
            span.trace_id = self._run + number.to_bytes(8, "big")
            span.span_id = (number + place).to_bytes(8, "big")
            if parent is not None:
                span.parent_span_id = (number + parent).to_bytes(8, "big")
            span.start_time_unix_nano = begun + place * 1_000_000
            span.end_time_unix_nano = begun + (2 * SPANS_PER_ORDER - place) * 1_000_000
        body = gzip.compress(self._request.SerializeToString(), compresslevel=6)
        return Export(body, len(self._spans), self._spans[0].trace_id.hex())


def _parent(place: int, depth: int) -> int | None:
    """The nearest place above that is one level higher."""
    return next((above for above in range(place - 1, -1, -1) if _SHAPE[above][3] == depth - 1), None)


def _fill(span: Span, attributes: Attributes) -> None:
    for key, value in attributes.items():
        if isinstance(value, str):
            span.attributes.add(key=key).value.string_value = value
        else:
            span.attributes.add(key=key).value.int_value = value
