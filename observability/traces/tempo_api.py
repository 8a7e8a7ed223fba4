"""The part of Tempo's HTTP API that finds and reads traces (Grafana Tempo documentation, "Tempo HTTP API").

As in Tempo, a trace read as JSON is protobuf's usual JSON mapping: ids of spans are base64 there. In paths and in
search results ids are hexadecimal.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.wrappers_pb2 import BytesValue
from litestar import MediaType, Request, Response, Router, get
from litestar.datastructures import State
from litestar.params import FromPath
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from observability.traces.answers import as_text, scopes_answer, values_answer
from observability.traces.ids import InvalidTraceIdError, parse_trace_id
from observability.traces.query.errors import UnsupportedQueryError
from observability.traces.requests import SearchRequest, TagsRequest
from observability.traces.store import BusyError, TraceStore
from stormglass import __version__
from stormglass.service import Problem
from stormglass.service.problems import problem_response

PROTOBUF = "application/protobuf"

Wanted = TypeVar("Wanted")


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


def _read(request: Request[Any, Any, Any], reader: Callable[[Mapping[str, str]], Wanted]) -> Wanted:
    """The query parameters; 400 with the part that is wrong, and its place in the query."""
    try:
        return reader(dict(request.query_params))
    except UnsupportedQueryError as error:
        raise Problem(400, "unsupported-query", str(error), message=str(error), position=error.position) from None
    except ValueError as error:
        # `message` is what Grafana shows of an error
        raise Problem(400, "invalid-parameter", str(error), message=str(error)) from None


def _on_busy(request: Request[Any, Any, Any], error: BusyError) -> Response[Any]:
    return problem_response(request, Problem(503, "busy", str(error), headers={"Retry-After": "1"}))


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
    return await store.search(_read(request, SearchRequest.from_parameters))


@get("/api/search/tags")
async def tag_names_v1(request: Request[Any, Any, Any], state: State) -> dict[str, list[str]]:
    """Attribute names that occur on recent spans and on resources."""
    store: TraceStore = state.store
    names = await store.tag_names(_read(request, TagsRequest.from_parameters))
    return {"tagNames": sorted({*names.get("resource", ()), *names.get("span", ())})}


@get("/api/v2/search/tags")
async def tag_names_v2(request: Request[Any, Any, Any], state: State) -> dict[str, Any]:
    """The same by scope, with TraceQL's own fields."""
    store: TraceStore = state.store
    return scopes_answer(await store.tag_names(_read(request, TagsRequest.from_parameters)))


@get("/api/search/tag/{tag:str}/values")
async def tag_values_v1(request: Request[Any, Any, Any], state: State, tag: FromPath[str]) -> dict[str, list[str]]:
    """Values of an attribute, as text."""
    store: TraceStore = state.store
    values = await store.tag_values(tag, _read(request, TagsRequest.from_parameters))
    return {"tagValues": sorted({as_text(value) for value in values})}


@get("/api/v2/search/tag/{tag:str}/values")
async def tag_values_v2(request: Request[Any, Any, Any], state: State, tag: FromPath[str]) -> dict[str, Any]:
    """Values of a field with their types, on spans that match `q`."""
    store: TraceStore = state.store
    return values_answer(tag, await store.tag_values(tag, _read(request, TagsRequest.from_parameters)))


@get("/api/echo", media_type=MediaType.TEXT)
async def echo() -> str:
    """What Grafana asks to see whether the data source answers."""
    return "echo"


@get("/api/status/buildinfo")
async def build_info() -> dict[str, Any]:
    """Which server this is. Grafana reads `data.version`, Tempo's own clients the top level.

    The version is ours, not one of Tempo's: Grafana must not conclude that it may stream.
    """
    info = {"version": __version__, "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": ""}
    return {"status": "success", "data": info, **info}


@get("/ready", media_type=MediaType.TEXT)
async def ready(state: State) -> str:
    """Tempo's own readiness answer; the platform asks `/readyz` on the admin port."""
    store: TraceStore = state.store
    await store.check()
    return "ready"


ROUTER = Router(
    path="/",
    route_handlers=[
        trace_v1,
        trace_v2,
        search,
        tag_names_v1,
        tag_names_v2,
        tag_values_v1,
        tag_values_v2,
        echo,
        build_info,
        ready,
    ],
    exception_handlers={BusyError: _on_busy},
)
