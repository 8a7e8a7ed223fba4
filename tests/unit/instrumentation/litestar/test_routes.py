"""The route is a template that the application knows, whatever is asked for."""

from typing import Any

import pytest
from litestar import Litestar, Router, asgi, get
from litestar.params import FromPath
from litestar.types import Receive, Scope, Send
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def names_its_route(scope: Any, receive: Receive, send: Send) -> None:
    # a mount at the root loses the leading slash
    scope["path_template"] = "/raw/{id}" if scope["path"].strip("/").startswith("known") else ""
    await answer(scope, receive, send)


@get("/items/{item_id:int}", sync_to_thread=False)
def item(item_id: FromPath[int]) -> int:
    return item_id


@get("/", sync_to_thread=False)
def home() -> str:
    return "home"


def application(*, copy_scope: bool = True) -> Litestar:
    files = asgi(["/files", "/archive"], is_mount=True, copy_scope=copy_scope)(answer)
    within = Litestar([item], openapi_config=None, logging_config=None)
    nested = asgi("/nested", is_mount=True, copy_scope=copy_scope)(within)
    return Litestar(
        [home, files, nested, Router("/v1", route_handlers=[item])], openapi_config=None, logging_config=None
    )


ROUTES = {
    "/": "/",
    "/v1/items/7": "/v1/items/{item_id}",
    "/v1/items/seven": "",
    "/v1/items/7/parts": "",
    "/files/a/b.txt": "/files",
    "/archive/c.txt": "/archive",
    "/files": "/files",
    "/nested/items/7": "/nested",
    "/nowhere/42": "",
}


@pytest.mark.parametrize(("path", "route"), ROUTES.items())
async def test_the_route(ask: Any, only: Any, sample: Any, path: str, route: str) -> None:
    status = str((await ask("GET", path, app=application())).status_code)
    span, attributes = only()
    assert attributes.get("http.route", "") == route
    assert span.name == f"GET {route}".strip()
    assert attributes["url.path"] == path
    assert sample("count", route=route, status=status) == 1


async def test_a_mounted_application_that_shares_the_scope_names_the_route_itself(ask: Any, only: Any) -> None:
    await ask("GET", "/nested/items/7", app=application(copy_scope=False))
    assert only()[1]["http.route"] == "/items/{item_id}"


@pytest.mark.parametrize(("path", "route"), [("/known/7", "/raw/{id}"), ("/unknown/7", "")])
async def test_one_mount_for_everything_names_its_routes(ask: Any, only: Any, path: str, route: str) -> None:
    everything = asgi("/", is_mount=True, copy_scope=False)(names_its_route)
    await ask("GET", path, app=Litestar([everything], openapi_config=None, logging_config=None))
    assert only()[1].get("http.route", "") == route


async def test_an_application_without_routes_has_the_empty_one(ask: Any, only: Any) -> None:
    await ask("GET", "/whatever", app=answer)
    assert "http.route" not in only()[1]


async def test_no_path_of_a_client_becomes_a_label(
    ask: Any, registry: CollectorRegistry, spans: InMemorySpanExporter
) -> None:
    app = application()
    for number in range(30):
        for path in ("/v1/items/{}", "/files/{}", "/nested/{}", "/filesystem{}", "/{}"):
            await ask("GET", path.format(number), app=app)
    routes = {
        s.labels["http_route"] for family in registry.collect() for s in family.samples if "http_route" in s.labels
    }
    assert routes <= {"", "/", "/v1/items/{item_id}", "/files", "/nested"}
    assert {span.name for span in spans.get_finished_spans()} <= {f"GET {route}".strip() for route in routes}
