"""What is reachable is what is published: no document, metric, console, older version or forgotten file beside it."""

import re

import pytest

from services.gateway.routes import ROUTES
from stormglass.testing import Platform
from tests.security.people import Client, Person

pytestmark = pytest.mark.owasp("API9")

FORGOTTEN = """
/ /docs /doc /redoc /swagger /swagger-ui /swagger.json /swagger/v1/swagger.json /schema /schema/openapi.json /api-docs
/openapi.yaml /openapi.yml /v1/openapi.json /users/schema/openapi.json /products/schema/openapi.json
/orders/schema/openapi.json /gateway/schema/openapi.json /users/schema /orders/schema/swagger /graphql /graphiql
/metrics /livez /readyz /healthz /health /status /ping /info /actuator /actuator/env /debug /debug/pprof /debug/vars
/admin /console /api /api/rawdata /api/overview /dashboard /dashboard/ /traefik /internal /private /config /env
/.env /.git/config /.git/HEAD /.well-known/openid-configuration /.well-known/security.txt /robots.txt /favicon.ico
/server-status /phpinfo.php /wp-login.php /pyproject.toml /services/gateway/routes.py /backup.zip /dump.sql
/v1/products /v1/orders /v1/users/me /v3/products /v2/orders /v2/users/me /v0/products /latest/products /beta/products
/test /testing /dev /staging /old /new /reservations /credentials /credentials/verify /queue /dead-letters /mails
/proxies /toxics /reset /populate /rpc2 /RPC2 /loki /tempo /prometheus /grafana /api/v1/query /api/search /v1/traces
/api/v1/messages /mail /smtp /redis /postgres
"""
PUBLISHED = {route.path for route in ROUTES}


@pytest.mark.parametrize("path", [path for path in FORGOTTEN.split() if path not in PUBLISHED])
def test_nothing_is_there_that_was_not_meant_to_be(path: str, edge: Client, admin: Person) -> None:
    for client in (edge, admin):
        for method in ("GET", "POST"):
            answer = client.call(method, path)
            assert answer.status_code == 404, f"{method} {path}: {answer.status_code} {answer.text[:200]}"


def test_the_published_document_and_the_table_say_the_same(edge: Client) -> None:
    document = edge.call("GET", "/openapi.json")
    assert document.status_code == 200
    documented = {
        (method.upper(), re.sub(r"\{[^}]+\}", "{}", path))
        for path, operations in document.json()["paths"].items()
        for method in operations
        if method in {"get", "put", "post", "delete", "patch", "head", "options"}
    }
    table = {(method, re.sub(r"\{[^}]+\}", "{}", route.path)) for route in ROUTES for method in route.methods}
    assert documented == table


def test_the_document_tells_nothing_of_the_inside(edge: Client, platform: Platform) -> None:
    text = edge.call("GET", "/openapi.json").text
    inside = ("reservations/", "/contact", "/confirm", "/reject", "credentials/verify", "X-Stormglass-Identity")
    assert [each for each in inside if each in text] == []
    assert platform.address("users") not in text
    assert str(platform.instance.root) not in text


def test_answers_do_not_say_what_made_them(edge: Client, customer: Person) -> None:
    for client, path in ((edge, "/products"), (edge, "/nothing"), (customer, "/users/me"), (edge, "/openapi.json")):
        answer = client.call("GET", path)
        told = {name.lower() for name in answer.headers}
        assert not told & {"server", "x-powered-by", "via", "x-aspnet-version", "x-runtime", "x-stormglass-identity"}


def test_errors_do_not_tell_how_it_is_built(edge: Client, customer: Person) -> None:
    provoked = [
        edge.call("GET", "/products/not-a-uuid"),
        edge.call("GET", "/products", params={"after": "x"}),
        edge.call("POST", "/users", content=b"{", headers={"Content-Type": "application/json"}),
        customer.call("GET", "/orders/1"),
        customer.call("POST", "/orders", {"items": "x"}),
    ]
    for answer in provoked:
        assert 400 <= answer.status_code < 500
        for word in ("Traceback", "site-packages", ".py", "litestar", "sqlalchemy", "asyncpg", "SELECT ", "127.0.0.1"):
            assert word not in answer.text, answer.text


def test_only_the_two_entrances_of_the_edge_listen_for_clients(platform: Platform) -> None:
    """Health and metrics answer on ports of their own, which the edge leads nobody to."""
    with Client(f"http://{platform.address('gateway:admin')}") as beside:
        assert beside.call("GET", "/metrics").status_code == 200
        assert beside.call("GET", "/products").status_code == 404
    with Client(f"http://{platform.address('gateway')}") as behind:
        for path in ("/metrics", "/livez", "/readyz"):
            assert behind.call("GET", path).status_code == 404
