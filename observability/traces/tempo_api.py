"""The part of Tempo's HTTP API that finds and reads traces (Grafana Tempo documentation, "Tempo HTTP API").

As in Tempo, a trace read as JSON is protobuf's usual JSON mapping: ids of spans are base64 there. In paths and in
search results ids are hexadecimal.
"""

from typing import Any

from google.protobuf import json_format
from google.protobuf.wrappers_pb2 import BytesValue
from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.params import FromPath
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from observability.traces.ids import InvalidTraceIdError, parse_trace_id
from observability.traces.search import SearchRequest
from observability.traces.store import TraceStore
from stormglass.service import Problem

PROTOBUF = "application/protobuf"


async def _trace(state: State, text: str) -> TracesData:
    store: TraceStore = state.store
    try:
        trace_id = parse_trace_id(text)
    except InvalidTraceIdError as error:
        raise Problem(400, "invalid-trace-id", str(error)) from None
    found = await store.trace(trace_id)
    if found is None:
        raise Problem(404, "unknown-trace", f"no span of trace {trace_id.hex()} has arrived, or it was too old to keep")
    return found


def _wants_protobuf(request: Request[Any, Any, Any]) -> bool:
    return PROTOBUF in request.headers.get("accept", "")


@get("/api/traces/{trace_id:str}")
async def trace_v1(request: Request[Any, Any, Any], state: State, trace_id: FromPath[str]) -> Response[Any]:
    """One trace; protobuf (`tempopb.Trace`, which is OTLP's `TracesData`) where Accept asks for it."""
    found = await _trace(state, trace_id)
    if _wants_protobuf(request):
        return Response(found.SerializeToString(), media_type=PROTOBUF)
    return Response({"batches": json_format.MessageToDict(found).get("resourceSpans", [])})


@get("/api/v2/traces/{trace_id:str}")
async def trace_v2(request: Request[Any, Any, Any], state: State, trace_id: FromPath[str]) -> Response[Any]:
    """One trace, wrapped as in Tempo's second version of the API."""
    found = await _trace(state, trace_id)
    if _wants_protobuf(request):
        # on the wire `TraceByIDResponse{trace = 1}` is what `BytesValue{value = 1}` of the encoded trace is
        return Response(BytesValue(value=found.SerializeToString()).SerializeToString(), media_type=PROTOBUF)
    return Response({"trace": json_format.MessageToDict(found), "metrics": {}})


@get("/api/search")
async def search(request: Request[Any, Any, Any], state: State) -> dict[str, Any]:
    """Traces that match `q` (a part of TraceQL) or `tags`, newest first."""
    store: TraceStore = state.store
    try:
        wanted = SearchRequest.from_parameters(dict(request.query_params))
    except ValueError as error:
        raise Problem(400, "unsupported-query", str(error)) from None
    return await store.search(wanted)


@get("/api/search/tags")
async def tag_names(state: State) -> dict[str, list[str]]:
    """Attribute names that occur on recent spans and on resources."""
    store: TraceStore = state.store
    return {"tagNames": await store.tag_names()}


@get("/api/search/tag/{tag:str}/values")
async def tag_values(state: State, tag: FromPath[str]) -> dict[str, list[str]]:
    """Values of an attribute that occur on recent spans and on resources."""
    store: TraceStore = state.store
    return {"tagValues": await store.tag_values(tag)}


@get("/api/echo", media_type=MediaType.TEXT)
async def echo() -> str:
    """What Grafana asks to see whether the data source answers."""
    return "echo"


@get("/ready", media_type=MediaType.TEXT)
async def ready(state: State) -> str:
    """Tempo's own readiness answer; the platform asks `/readyz` on the admin port."""
    store: TraceStore = state.store
    await store.check()
    return "ready"


HANDLERS = (trace_v1, trace_v2, search, tag_names, tag_values, echo, ready)
