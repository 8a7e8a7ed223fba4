"""Tempo's API over spans that the real OpenTelemetry SDK sent."""

from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import BytesValue
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind
from opentelemetry.util.types import AttributeValue

from observability.traces.client import TraceClient


@pytest.fixture
def order(store: Any) -> str:
    """One order through two services, sent by the SDK's own exporter; its trace id."""
    providers = {name: provider(store, name) for name in ("edge", "orders")}
    edge, orders = (providers[name].get_tracer("test") for name in ("edge", "orders"))
    method: dict[str, str] = {"http.request.method": "POST"}
    with edge.start_as_current_span("POST", kind=SpanKind.SERVER, attributes=method) as root:
        route: dict[str, AttributeValue] = {
            **method,
            "http.route": "/orders",
            "http.response.status_code": 201,
            "sampled": True,
        }
        with orders.start_as_current_span("POST /orders", kind=SpanKind.SERVER, attributes=route) as placed:
            placed.add_event("cache miss", {"key": "stock:7"})
        link = Link(placed.get_span_context())
        with orders.start_as_current_span("send mail", links=[link]) as mail:
            mail.set_status(trace.StatusCode.ERROR, "refused")
    with edge.start_as_current_span("GET") as other:
        other.set_attribute("http.request.method", "GET")
    for one in providers.values():
        assert one.force_flush()
        one.shutdown()
    return format(root.get_span_context().trace_id, "032x")


def provider(store: Any, service: str) -> TracerProvider:
    made = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{store.url}/v1/traces", compression=Compression.Gzip)
    made.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=50))
    return made


async def test_the_client_reads_what_the_sdk_sent(store: Any, order: str) -> None:
    async with TraceClient(store.url) as client:
        found = await client.trace(order)
        assert found is not None
        spans = {span.name: span for span in found.spans}
        assert set(spans) == {"POST", "POST /orders", "send mail"}
        root, placed, mail = spans["POST"], spans["POST /orders"], spans["send mail"]
        assert found.root == root
        assert found.missing_parents == frozenset()
        assert (placed.parent_span_id, mail.parent_span_id) == (root.span_id, root.span_id)
        assert (root.service, placed.service, root.kind) == ("edge", "orders", "server")
        assert placed.attributes == {
            "http.request.method": "POST", "http.route": "/orders", "http.response.status_code": 201, "sampled": True
        }  # fmt: skip
        assert [(event.name, event.attributes) for event in placed.events] == [("cache miss", {"key": "stock:7"})]
        assert [(link.trace_id, link.span_id) for link in mail.links] == [(order, placed.span_id)]
        assert (mail.status, mail.status_message) == ("error", "refused")
        assert (await client.newest_order()).trace_id == order  # type: ignore[union-attr]  # None fails as well
        assert await client.trace("f" * 32) is None


def test_all_four_forms_of_a_trace_hold_the_same_spans(store: Any, order: str) -> None:
    accept = {"Accept": "application/protobuf"}
    v1 = store.http.get(f"/api/traces/{order}").json()["batches"]
    v2 = store.http.get(f"/api/v2/traces/{order}").json()["trace"]["resourceSpans"]
    assert v1 == v2
    v1_answer = store.http.get(f"/api/traces/{order}", headers=accept)
    assert v1_answer.headers["content-type"] == "application/protobuf"
    data = TracesData.FromString(v1_answer.content)
    v2_answer = store.http.get(f"/api/v2/traces/{order}", headers=accept)
    assert TracesData.FromString(BytesValue.FromString(v2_answer.content).value) == data
    names = sorted(s.name for rs in data.resource_spans for ss in rs.scope_spans for s in ss.spans)
    assert names == sorted(s["name"] for b in v1 for ss in b["scopeSpans"] for s in ss["spans"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{}", 2),
        ('{ resource.service.name = "orders" }', 1),
        ('{ resource.service.name = "orders" && name = "send mail" && status = error }', 1),
        ('{ resource.service.name = "edge" && name = "send mail" }', 0),
        ('{ span.http.response.status_code >= 200 && .http.route =~ "/ord.*" && kind = server }', 1),
        ('{ name = "GET" || name = "send mail" }', 2),
        ('{ resource.service.name = "orders" && (status = error || kind = server) }', 1),
        ('{ resource.service.name = "edge" } && { name = "send mail" }', 1),
        ('{ resource.service.name = "edge" } && { name = "nothing" }', 0),
        ('{ name = "GET" } || { status = error }', 2),
        ("{ span.http.route != nil }", 1),
        ("{ span.sampled = true }", 1),
        ("{ span.sampled = 1 }", 0),
        ("{ duration > 1h }", 0),
        ('{ rootServiceName = "edge" && traceDuration < 1h }', 2),
    ],
)
def test_traceql(store: Any, order: str, query: str, expected: int) -> None:
    answer = store.http.get("/api/search", params={"q": query})
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["traces"]) == expected


def test_search_parameters(store: Any, order: str) -> None:
    def search(**parameters: Any) -> list[str]:
        answer = store.http.get("/api/search", params=parameters)
        assert answer.status_code == 200, answer.text
        return [found["traceID"] for found in answer.json()["traces"]]

    newest_first = search()
    assert len(newest_first) == 2
    assert newest_first[1] == order
    assert search(limit=1) == newest_first[:1]
    # each tag may be met by another span of the trace
    assert search(tags='service.name=edge name="send mail" http.response.status_code=201') == [order]
    assert search(tags="service.name=nobody") == []
    assert search(minDuration="1h") == []
    assert len(search(maxDuration="1h")) == 2
    assert search(start=4_000_000_000) == []
    assert search(end=1) == []


@pytest.mark.parametrize(
    ("parameters", "part"),
    [
        ({"q": '{ name = "a" } | count() > 2'}, "at character 16"),
        ({"q": '{ name = "a" } >> { name = "b" }'}, "structural"),
        ({"spss": "0"}, "spss"),
        ({"start": "20", "end": "10"}, "start=20"),
        ({"q": "{ nested.parent = 1 }"}, "nested.parent"),
        ({"q": '{ name = "a"'}, "closing brace"),
        ({"q": '{ name =~ "(" }'}, "("),
        ({"q": "{ duration > 5 }"}, "duration"),
        ({"limit": "many"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"minDuration": "soon"}, "soon"),
        ({"tags": "alone"}, "alone"),
    ],
)
def test_what_cannot_be_answered_is_400_and_names_the_part(store: Any, parameters: dict[str, str], part: str) -> None:
    answer = store.http.get("/api/search", params=parameters)
    assert answer.status_code == 400
    assert part in answer.json()["detail"]


def get(store: Any, path: str, **parameters: Any) -> Any:
    answer = store.http.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_refusal_gives_the_position_to_programs_too(store: Any) -> None:
    problem = store.http.get("/api/search", params={"q": "{ duration > 5 }"}).json()
    assert problem["type"] == "urn:stormglass:problem:unsupported-query"
    assert problem["position"] == 14


def test_a_result_shows_matching_spans_with_what_was_asked_for(store: Any, order: str) -> None:
    query = '{ name = "GET" } || { resource.service.name =~ "ord.*" && span.http.route != nil || status = error }'
    found = get(store, "/api/search", q=query, spss=1)
    assert found["metrics"]["completedJobs"] == found["metrics"]["totalJobs"] == 1
    assert found["metrics"]["inspectedTraces"] == 2
    (one,) = (each for each in found["traces"] if each["traceID"] == order)
    assert (one["rootServiceName"], one["rootTraceName"]) == ("edge", "POST")
    (spans,) = one["spanSets"]
    assert spans["matched"] == 2
    (shown,) = spans["spans"]
    assert shown["name"] == "POST /orders"
    assert {item["key"]: item["value"] for item in shown["attributes"]} == {
        "service.name": {"stringValue": "orders"},
        "http.route": {"stringValue": "/orders"},
        "status": {"stringValue": "unset"},
    }


def test_tag_names_and_values_v1(store: Any, order: str) -> None:
    assert {"http.route", "service.name", "sampled"} <= set(get(store, "/api/search/tags")["tagNames"])
    assert get(store, "/api/search/tag/service.name/values") == {"tagValues": ["edge", "orders"]}
    assert get(store, "/api/search/tag/span.http.route/values") == {"tagValues": ["/orders"]}
    assert get(store, "/api/search/tag/name/values") == {"tagValues": ["GET", "POST", "POST /orders", "send mail"]}


def test_tag_names_v2_are_sorted_by_scope(store: Any, order: str) -> None:
    scopes = {scope["name"]: scope["tags"] for scope in get(store, "/api/v2/search/tags")["scopes"]}
    assert set(scopes) == {"resource", "span", "intrinsic"}
    assert "service.name" in scopes["resource"]
    assert "service.name" not in scopes["span"]
    assert {"http.route", "sampled"} <= set(scopes["span"])
    assert {"name", "status", "duration"} <= set(scopes["intrinsic"])
    only = get(store, "/api/v2/search/tags", scope="span", q='{ name = "GET" }')["scopes"]
    assert only == [{"name": "span", "tags": ["http.request.method"]}]
    assert store.http.get("/api/v2/search/tags", params={"scope": "galaxy"}).status_code == 400


def test_tag_values_v2_have_types_and_follow_the_query(store: Any, order: str) -> None:
    def values(tag: str, **parameters: Any) -> list[tuple[str, str]]:
        found = get(store, f"/api/v2/search/tag/{tag}/values", **parameters)["tagValues"]
        return [(item["type"], item["value"]) for item in found]

    assert values("resource.service.name") == [("string", "edge"), ("string", "orders")]
    assert values("resource.service.name", q="{ status = error }") == [("string", "orders")]
    assert values(".http.response.status_code") == [("int", "201")]
    assert values("span.sampled") == [("bool", "true")]
    assert values("status") == [("keyword", word) for word in ("unset", "ok", "error")]
    assert values("kind", q='{ name = "send mail" }') == [("keyword", "internal")]
    assert values("rootName", q='{ resource.service.name = "orders" }') == [("string", "POST")]
    assert values("name", limit=1) == [("string", "GET")]
    assert values("name", start=4_000_000_000) == []
    assert values("span.nowhere") == []
    # what Grafana sends while somebody types restricts nothing; what is wrong is refused
    assert len(values("name", q="{ name = }")) == 4
    for wrong in ("{ nested.parent = 1 }", "{} && {}"):
        answer = store.http.get("/api/v2/search/tag/name/values", params={"q": wrong})
        assert answer.status_code == 400


def test_the_small_endpoints(store: Any) -> None:
    assert store.http.get("/api/echo").text == "echo"
    assert store.http.get("/ready").text == "ready"
    build = get(store, "/api/status/buildinfo")
    assert build["status"] == "success"
    assert build["data"]["version"] == build["version"] != ""


def test_ids(store: Any, make_export: Any) -> None:
    store.send(make_export(first=0xABC))
    assert store.http.get("/api/traces/abc").status_code == 200
    assert store.http.get(f"/api/traces/{'ABC'.zfill(32)}").status_code == 200
    assert store.http.get("/api/search").json()["traces"][0]["traceID"] == "abc".zfill(32)
    assert store.http.get("/api/traces/abd").status_code == 404
    for malformed in ("xyz", "1" * 33, "0" * 32):
        assert store.http.get(f"/api/traces/{malformed}").status_code == 400
        assert store.http.get(f"/api/v2/traces/{malformed}").status_code == 400
