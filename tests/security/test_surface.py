"""Server-side request forgery: the platform fetches nothing that a client names, and this is what shows it."""

import time
from typing import Any

import pytest

from stormglass.testing import Platform
from tests.security.bait import Bait
from tests.security.matrix import documents
from tests.security.people import Client, Person
from tests.security.test_members import BODIES

pytestmark = pytest.mark.owasp("API7")

SUSPECT = (
    "url",
    "uri",
    "href",
    "link",
    "callback",
    "webhook",
    "host",
    "domain",
    "redirect",
    "avatar",
    "image",
    "proxy",
)


def _properties(node: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every member and parameter of a document that a client may send, by name."""
    found: list[tuple[str, dict[str, Any]]] = []
    if isinstance(node, dict):
        for name, schema in (node.get("properties") or {}).items() if isinstance(node.get("properties"), dict) else ():
            found.append((name, schema))
        if node.get("in") in {"query", "header", "path", "cookie"}:
            found.append((str(node["name"]), node.get("schema", {})))
        for value in node.values():
            found += _properties(value)
    elif isinstance(node, list):
        for value in node:
            found += _properties(value)
    return found


def test_no_request_has_a_member_that_could_name_a_server(platform: Platform) -> None:
    properties = [each for document in documents(platform).values() for each in _properties(document)]
    assert len(properties) > 30
    named = {name for name, _ in properties if any(word in name.lower() for word in SUSPECT)}
    assert named == set()
    assert [name for name, schema in properties if schema.get("format") in {"uri", "url", "hostname", "iri"}] == []


@pytest.mark.parametrize(("method", "path"), BODIES)
def test_an_address_in_any_text_is_only_text(method: str, path: str, bait: Bait, admin: Person, goods: str) -> None:
    body, inner = BODIES[method, path]

    def lured(members: dict[str, Any]) -> dict[str, Any]:
        return {name: bait.url if isinstance(value, str) else value for name, value in members.items()}

    attempt = {**body, inner: [lured(body[inner][0])]} if inner else lured(body)
    answer = admin.call(method, path.replace("{product_id}", goods), attempt, headers={"Idempotency-Key": bait.url})
    assert answer.status_code < 500
    time.sleep(0.05)
    assert bait.visits == []


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-Host", "X-Forwarded-Server", "X-Original-Host", "Forwarded", "Referer", "Origin", "X-Callback-Url"],
)
def test_no_header_sends_the_platform_somewhere(header: str, bait: Bait, edge: Client, customer: Person) -> None:
    address = bait.url.removeprefix("http://")
    value = {"Forwarded": f"host={address}", "Referer": bait.url, "Origin": bait.url}.get(header, address)
    for client, path in ((edge, "/products"), (customer, "/users/me"), (edge, "/openapi.json")):
        assert client.call("GET", path, headers={header: value}).status_code < 500
    assert edge.call("GET", "/products", headers={"Host": address}).status_code < 500
    time.sleep(0.05)
    assert bait.visits == []


def test_the_mail_goes_to_the_accounts_address_and_nowhere_else(
    customer: Person, goods: str, platform: Platform
) -> None:
    """A line break in what a mail is made of would add a recipient; such names and addresses are refused."""
    for name in ("x\r\nBcc: evil@example.org", "x\nBcc: evil@example.org", "x\0"):
        assert customer.call("PATCH", "/users/me", {"name": name}).status_code == 400
    for email in ("a@example.org\r\nBcc: evil@example.org", "a@example.org,evil@example.org", "<a@example.org>"):
        with Person(platform.base_url, email=email) as person:
            body = {"email": person.email, "password": person.password, "name": "x"}
            assert person.call("POST", "/users", body).status_code == 400
