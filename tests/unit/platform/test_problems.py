from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx
import pytest
from litestar import get, post
from litestar.exceptions import HTTPException, ImproperlyConfiguredException, ServiceUnavailableException
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, Tracer
from pydantic import BaseModel, Field
from structlog.testing import capture_logs

from stormglass.resilience.deadline import DeadlineExceeded
from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.service import Problem, create_service
from stormglass.telemetry.http_server import HttpServerTelemetry

SECRET = "hunter2-s3cret"


class Login(Struct):
    name: str
    attempts: int
    colour: Literal["red", "blue"] = "red"


class LoginModel(BaseModel):
    password: str = Field(max_length=5)
    colour: Literal["red", "blue"] = "red"


@post("/login", sync_to_thread=False)
def login(data: JSONBody[Login]) -> dict[str, str]:
    return {"name": data.name}


@post("/model", sync_to_thread=False)
def model(data: JSONBody[LoginModel]) -> dict[str, str]:
    return {}


@get("/things/{thing:int}", sync_to_thread=False)
def thing(thing: FromPath[int], limit: FromQuery[int]) -> dict[str, int]:
    return {"thing": thing, "limit": limit}


@get("/raise/{which:str}", sync_to_thread=False)
def raise_it(which: FromPath[str]) -> None:
    errors: dict[str, Exception] = {
        "problem": Problem(409, "taken", "the name is taken", headers={"X-Try": "other"}, name="a", status_="x"),
        "replaces": Problem(409, "taken", "d", type="evil", title="evil", trace_id="evil", extra=1),
        "unassigned": Problem(499, "gone", "the client went away"),
        "http": HTTPException(detail="tea", status_code=418, headers={"Retry-After": "7"}),
        "unavailable": ServiceUnavailableException(detail="later"),
        "dependency": DependencyUnavailable("postgres", f"dsn {SECRET}"),
        "deadline": DeadlineExceeded("the request's deadline has passed"),
        "unexpected": RuntimeError(SECRET),
        "misconfigured": ImproperlyConfiguredException(SECRET),
    }
    raise errors[which]


@pytest.fixture
async def client(environment: pytest.MonkeyPatch, tracer: Tracer) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(tracer) as made:
        yield made


@asynccontextmanager
async def _client(tracer: Tracer) -> AsyncIterator[httpx.AsyncClient]:
    app = create_service(name="probe", route_handlers=[login, model, thing, raise_it], description="A probe.")
    outer = HttpServerTelemetry(app)
    outer._tracer = tracer
    transport = httpx.ASGITransport(outer)  # type: ignore[arg-type]  # the same protocol under another name
    async with httpx.AsyncClient(transport=transport, base_url="http://probe") as made:
        yield made


def checked(response: httpx.Response, spans: InMemorySpanExporter) -> dict[str, Any]:
    """The problem document, after what holds for every one."""
    body: dict[str, Any] = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert body["status"] == response.status_code
    assert body["instance"] == response.request.url.path
    context = spans.get_finished_spans()[-1].context
    assert context is not None
    assert body["trace_id"] == format(context.trace_id, "032x")
    assert {"type", "title", "detail"} <= body.keys()
    assert SECRET not in response.text
    return body


async def test_a_problem(client: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    response = await client.get("/raise/problem")
    body = checked(response, spans)
    assert body["type"] == "urn:stormglass:problem:taken"
    assert (body["title"], body["detail"], body["name"]) == ("Conflict", "the name is taken", "a")
    assert response.headers["x-try"] == "other"


async def test_extra_members_replace_no_standard_one(client: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    body = checked(await client.get("/raise/replaces"), spans)
    assert body["type"] == "urn:stormglass:problem:taken"
    assert body["title"] == "Conflict"
    assert body["extra"] == 1


async def test_a_status_without_a_name_has_a_title(client: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    response = await client.get("/raise/unassigned")
    assert response.status_code == 499
    assert checked(response, spans)["title"] == "Error"


async def test_http_exceptions(client: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    response = await client.get("/raise/http")
    body = checked(response, spans)
    assert (body["status"], body["type"], body["detail"]) == (418, "about:blank", "tea")
    assert response.headers["retry-after"] == "7"
    assert checked(await client.get("/raise/unavailable"), spans)["detail"] == "later"


async def test_no_route_and_no_such_method(client: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    assert checked(await client.get("/nowhere"), spans)["status"] == 404
    response = await client.get("/login")
    assert checked(response, spans)["status"] == 405
    assert "POST" in response.headers["allow"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/login", {"name": "a", "attempts": SECRET}, "attempts"),
        ("/login", {"name": "a", "attempts": 1, "colour": SECRET}, "colour"),
        ("/login", {"attempts": 1}, ""),
        ("/model", {"password": SECRET}, "password"),
        ("/model", {"password": "a", "colour": SECRET}, "colour"),
    ],
)
async def test_a_refused_body_names_the_field_and_never_the_value(
    client: httpx.AsyncClient, spans: InMemorySpanExporter, path: str, body: dict[str, Any], field: str
) -> None:
    response = await client.post(path, json=body)
    problem = checked(response, spans)
    assert (problem["status"], problem["type"]) == (400, "urn:stormglass:problem:invalid-request")
    assert problem["errors"]
    assert problem["errors"][0]["message"]
    assert field in problem["errors"][0]["field"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "a", "attempts": "1"}',
        b'{"name": "a", "attempts": 1.5}',
        b'{"name": 1, "attempts": 1}',
        b'{"name": "a", "attempts": 1, "colour": null}',
        b"[" * 100_000,
        b'{"name":' * 5000,
        b'{"name": "\\ud800", "attempts": 1}',
        b"null",
        b"",
    ],
)
async def test_a_body_is_read_strictly(body: bytes, client: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    response = await client.post("/login", content=body, headers={"Content-Type": "application/json"})
    assert checked(response, spans)["type"] == "urn:stormglass:problem:invalid-request"


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
async def test_json_says_that_it_is_json(
    media_type: str, client: httpx.AsyncClient, spans: InMemorySpanExporter
) -> None:
    body = b'{"name": "a", "attempts": 1}'
    assert (await client.post("/login", content=body, headers={"Content-Type": "application/json"})).status_code == 201
    charset = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert (await client.post("/login", content=body, headers=charset)).status_code == 201
    refused = await client.post("/login", content=body, headers={"Content-Type": media_type} if media_type else {})
    assert checked(refused, spans)["type"] == "urn:stormglass:problem:unsupported-media-type"


async def test_a_refused_query_does_not_come_back(client: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    assert checked(await client.get("/things/1", params={"limit": SECRET}), spans)["errors"][0]["field"] == "limit"
    missing = checked(await client.get("/things/1", params={"other": SECRET}), spans)
    assert "limit" in str(missing["errors"])


async def test_malformed_json(client: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    json = {"Content-Type": "application/json"}
    response = await client.post("/login", content=b'{"name": "' + SECRET.encode(), headers=json)
    assert checked(response, spans)["status"] == 400


async def test_a_body_that_is_too_large(
    environment: pytest.MonkeyPatch, tracer: Tracer, spans: InMemorySpanExporter
) -> None:
    environment.setenv("STORMGLASS_HTTP_MAX_BODY_BYTES", "100")
    async with _client(tracer) as client:
        assert checked(await client.post("/login", json={"name": "x" * 101, "attempts": 1}), spans)["status"] == 413
        assert (await client.post("/login", json={"name": "x", "attempts": 1})).status_code == 201


@pytest.mark.parametrize("which", ["unexpected", "misconfigured"])
async def test_what_nobody_expected_tells_the_log_and_the_span_but_not_the_client(
    client: httpx.AsyncClient, spans: InMemorySpanExporter, which: str
) -> None:
    with capture_logs() as logs:
        response = await client.get(f"/raise/{which}")
    body = checked(response, spans)
    assert (body["status"], body["type"]) == (500, "urn:stormglass:problem:internal-error")
    assert [(line["event"], line["log_level"]) for line in logs] == [("unhandled error", "error")]
    span = spans.get_finished_spans()[-1]
    assert span.status.status_code is StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception"]


async def test_a_deadline_that_passed_is_504_and_counted(
    client: httpx.AsyncClient, spans: InMemorySpanExporter, growth: Any
) -> None:
    grown = growth("deadline_exceeded_total", where="handler")
    body = checked(await client.get("/raise/deadline"), spans)
    assert (body["status"], body["type"]) == (504, "urn:stormglass:problem:deadline-exceeded")
    assert grown() == 1


async def test_a_dependency_that_is_away_is_503(client: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    response = await client.get("/raise/dependency")
    body = checked(response, spans)
    assert (body["status"], body["type"]) == (503, "urn:stormglass:problem:dependency-unavailable")
    assert response.headers["retry-after"] == "1"
    assert "postgres" in body["detail"]


async def test_the_openapi_document(client: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    document = (await client.get("/probe/schema/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "Stormglass probe"
    assert document["info"]["description"] == "A probe."
    assert {"/login", "/things/{thing}"} <= document["paths"].keys()


@pytest.fixture(autouse=True)
def _no_span_is_left(spans: InMemorySpanExporter) -> Iterator[None]:
    yield
    assert spans.get_finished_spans(), "every request of these tests has a span"
