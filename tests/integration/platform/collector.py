"""A stand-in for an OpenTelemetry Collector: takes OTLP over HTTP, and remembers it in OTLP's own form."""

import gzip
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Received:
    """A log record or a span, with what it came in."""

    resource: dict[str, Any]
    scope: str
    item: Any


class Collector(ThreadingHTTPServer):
    """What arrived, by arrival. While `held` is cleared, requests get no answer."""

    # a collector that is started again listens where the last one did
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.records: list[Received] = []
        self.spans: list[Received] = []
        self.paths: list[str] = []
        self.status = 200
        self.held = threading.Event()
        self.held.set()
        self._serving = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._serving.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.held.set()
        self.shutdown()
        self._serving.join(30)
        self.server_close()

    def said(self, event: str) -> list[Received]:
        """The records with this body, oldest first."""
        return [each for each in list(self.records) if each.item.body.string_value == event]


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        """One export."""
        body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.paths.append(self.path)
        self.server.held.wait(30)
        if self.server.status == 200:
            self._keep(body)
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _keep(self, body: bytes) -> None:
        if self.path == "/v1/logs":
            for logs in ExportLogsServiceRequest.FromString(body).resource_logs:
                for lines in logs.scope_logs:
                    self.server.records += [_received(logs, lines, record) for record in lines.log_records]
        else:
            for traces in ExportTraceServiceRequest.FromString(body).resource_spans:
                for spans in traces.scope_spans:
                    self.server.spans += [_received(traces, spans, span) for span in spans.spans]

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _received(resource: Any, scope: Any, item: Any) -> Received:
    return Received(attributes(resource.resource), scope.scope.name, item)


def attributes(holder: Any) -> dict[str, Any]:
    """The attributes of a record, a span or a resource."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in holder.attributes}
