"""`POST /v1/traces`: OTLP/HTTP. An answer of 200 means that the spans are on the disk."""

import asyncio
import sqlite3
from typing import Any

from litestar import Request, Response, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from observability.traces.otlp import (
    RESOURCE_EXHAUSTED,
    UNAVAILABLE,
    Encoding,
    OtlpError,
    decode,
    decompress,
    encode,
    encoding_of,
)
from observability.traces.queue import QueueFullError
from observability.traces.rows import Batch, batch_of
from observability.traces.settings import TraceStoreSettings
from observability.traces.store import TraceStore
from stormglass.telemetry import names

MAX_OPEN = 64
"""Requests that are read or decoded at the same time; more are refused, so that memory stays bounded."""

READ_SECONDS = 10.0
"""Longest wait for a body: a sender on a broken connection must not keep its place."""

RETRY_AFTER_SECONDS = 1


class Ingest:
    """From a request body to spans on the disk."""

    def __init__(self, store: TraceStore, settings: TraceStoreSettings) -> None:
        self._store = store
        self._settings = settings
        self._open = 0

    async def accept(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """Read, decode and commit one export."""
        encoding = encoding_of(request.headers.get("content-type", ""))
        batch = await self._batch(request, encoding)
        names.TRACE_STORE_RECEIVED.counter().inc(len(batch.spans) + batch.rejected)
        _dropped("invalid", batch.rejected)
        if batch.spans:
            await self._commit(batch)
        answer = ExportTraceServiceResponse()
        if batch.rejected:
            answer.partial_success.CopyFrom(
                ExportTracePartialSuccess(rejected_spans=batch.rejected, error_message=batch.rejected_because)
            )
        return Response(encode(answer, encoding), status_code=200, media_type=encoding)

    async def _batch(self, request: Request[Any, Any, Any], encoding: Encoding) -> Batch:
        if self._open >= MAX_OPEN:
            raise _unavailable("busy", f"{self._open} exports are being read already")
        self._open += 1
        try:
            body = await _body(request)
            names.TRACE_STORE_RECEIVED_BYTES.counter().inc(len(body))
            content_encoding = request.headers.get("content-encoding", "")
            limit = self._settings.max_decoded_bytes
            return await asyncio.to_thread(
                lambda: batch_of(decode(decompress(body, content_encoding, limit), encoding))
            )
        finally:
            self._open -= 1

    async def _commit(self, batch: Batch) -> None:
        try:
            async with asyncio.timeout(self._settings.commit_timeout_seconds):
                await self._store.commit(batch)
        except QueueFullError as error:
            _dropped("queue_full", len(batch.spans))
            raise _unavailable("queue_full", f"the trace store is overloaded: {error}") from None
        except TimeoutError:
            _dropped("commit_timeout", len(batch.spans))
            raise _unavailable("commit_timeout", "the disk is slow; spans sent again are stored once") from None
        except sqlite3.Error as error:
            _dropped("commit_failed", len(batch.spans))
            raise _unavailable("commit_failed", f"the spans could not be stored: {error}") from None


def _unavailable(reason: str, text: str) -> OtlpError:
    return OtlpError(503, UNAVAILABLE, reason, text, retry_after=RETRY_AFTER_SECONDS)


def _dropped(reason: str, spans: int) -> None:
    if spans:
        names.TRACE_STORE_DROPPED.counter().labels(reason).inc(spans)


async def _body(request: Request[Any, Any, Any]) -> bytes:
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await request.body()
    except TimeoutError:
        raise _unavailable("busy", f"the body did not arrive within {READ_SECONDS:g} s") from None
    except HTTPException as error:
        if error.status_code != 413:
            raise
        raise OtlpError(413, RESOURCE_EXHAUSTED, "too_large", "the export has too many bytes as sent") from None


_COUNTED_AS_REFUSED = frozenset({"busy", "malformed", "too_large", "unsupported"})


def _on_otlp_error(request: Request[Any, Any, Any], error: OtlpError) -> Response[bytes]:
    """OTLP's form of an error, in the sender's encoding where it has one, otherwise in JSON."""
    if error.reason in _COUNTED_AS_REFUSED:
        names.TRACE_STORE_REFUSED.counter().labels(error.reason).inc()
    protobuf = request.headers.get("content-type", "").startswith(Encoding.PROTOBUF)
    encoding = Encoding.PROTOBUF if protobuf else Encoding.JSON
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
    return Response(encode(error.body(), encoding), status_code=error.status, media_type=encoding, headers=headers)


_HANDLERS: ExceptionHandlersMap = {OtlpError: _on_otlp_error}


@post("/v1/traces", status_code=200, exception_handlers=_HANDLERS)
async def export_traces(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """Take an OTLP ExportTraceServiceRequest: protobuf or JSON, gzip or plain."""
    ingest: Ingest = state.ingest
    return await ingest.accept(request)
