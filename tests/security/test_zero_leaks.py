"""After a run with every kind of credential, good and bad, nothing secret stands in any log, span or metric.

The last of this folder, so that what all the others left behind is looked through too.
"""

import secrets
import uuid

import pytest

from chaos.testing.injector import FaultInjector
from services.inbox import wait_for_mail
from stormglass.testing import Platform, eventually
from tests.security.forge import Forge
from tests.security.haul import Haul, logs, metrics, spans
from tests.security.people import Client, Person
from tests.security.spoiled import SPOILED

pytestmark = pytest.mark.owasp("API8")


@pytest.fixture(scope="module")
def haul() -> Haul:
    return Haul()


def _register(haul: Haul, edge: Client) -> Person:
    local = f"leak.{secrets.token_hex(8)}"
    person = Person(edge.base_url, email=f"{local}@Example.org", password=haul.secret("password"))
    haul.add(mail=local)
    body = {"email": person.email, "password": person.password, "name": "x"}
    person.register()
    for spoiled in ({}, {"name": ""}, {"email": f"{local}@"}, {"is_admin": True}, {"password": [person.password]}):
        assert person.call("POST", "/users", {**body, **spoiled}).status_code in {400, 409}
    assert person.call("POST", "/users", content=str(body), headers={"Content-Type": "text/plain"}).status_code == 415
    return person


def test_logging_in_by_every_door(haul: Haul, edge: Client) -> None:
    person = _register(haul, edge)
    right = {"email": person.email, "password": person.password}
    wrong = {**right, "password": haul.secret("wrong password")}
    for door in ("/tokens", "/sessions"):
        assert edge.call("POST", door, wrong).status_code == 401
        assert edge.call("POST", door, {**wrong, "remember": True}).status_code == 400
    granted = haul.grant(edge.call("POST", "/tokens", right))
    renewed = haul.grant(edge.call("POST", "/tokens/refresh", {"refresh_token": granted["refresh_token"]}))
    for stale in (granted["refresh_token"], renewed["refresh_token"], haul.secret("made-up refresh token")):
        assert edge.call("POST", "/tokens/refresh", {"refresh_token": stale}).status_code == 401
    revoked = haul.grant(edge.call("POST", "/tokens", right))
    assert edge.call("POST", "/tokens/revoke", {"refresh_token": revoked["refresh_token"]}).status_code == 204
    assert edge.bearing(revoked["access_token"]).call("GET", "/users/me").status_code == 401


def test_a_browser_and_a_program(haul: Haul, edge: Client) -> None:
    person = _register(haul, edge)
    right = {"email": person.email, "password": person.password}
    person.log_in()
    haul.add(access=person.token, refresh=person.grant["refresh_token"])
    browser = haul.session(edge.call("POST", "/sessions", right))
    without = {"Cookie": browser["Cookie"]}
    made_up = {"X-CSRF-Token": haul.secret("made-up csrf token")}
    assert edge.call("GET", "/sessions/current", headers=without).status_code == 200
    assert edge.call("PATCH", "/users/me", {"name": "y"}, headers=browser).status_code == 200
    assert edge.call("PATCH", "/users/me", {"name": "y"}, headers=without | made_up).status_code == 403
    made = person.make_key("orders:read")
    haul.add(key=made["key"])
    assert edge.call("GET", "/orders", headers={"X-API-Key": made["key"]}).status_code == 200
    assert edge.call("GET", "/users/me", headers={"X-API-Key": made["key"]}).status_code == 403
    bad = f"sgk_{made['prefix']}_{secrets.token_urlsafe(32)}"
    haul.add(bad_key=bad)
    assert edge.call("GET", "/orders", headers={"X-API-Key": bad}).status_code == 401
    new = haul.secret("new password")
    body = {"current_password": haul.secret("not the password"), "new_password": new}
    assert edge.call("POST", "/users/me/password", body, headers=browser).status_code == 403
    body["current_password"] = person.password
    assert edge.call("POST", "/users/me/password", body, headers=browser).status_code == 204
    assert edge.call("DELETE", "/sessions/current", headers=browser).status_code == 204
    assert edge.call("GET", "/users/me", headers=without).status_code == 401


def test_secrets_where_they_do_not_belong(haul: Haul, edge: Client) -> None:
    """In queries, other headers, cookies, trace context: some client does it, and it must not end in a log."""
    person = _register(haul, edge).log_in()
    haul.add(access=person.token, refresh=person.grant["refresh_token"])
    token, trace = haul.secret("misplaced secret"), f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01"
    edge.call("GET", "/products", params={"q": token, "access_token": person.token, "email": person.email})
    edge.call("GET", "/nothing", params={"api_key": token})
    headers = {
        "X-Api-Token": token,
        "X-Auth-Token": person.token,
        "Referer": f"http://localhost/?token={token}",
        "Cookie": f"token={token}",
        "traceparent": trace,
        "baggage": f"user={token},mail={person.email}",
        "Idempotency-Key": token,
        "From": person.email,
    }
    edge.call("GET", "/products", headers=headers)
    person.call("POST", "/orders", {"items": []}, headers=headers)
    edge.call("POST", "/tokens", content=f'{{"password": "{token}"', headers={"Content-Type": "application/json"})
    edge.call("GET", "/users/me", headers={"Authorization": f"Basic {token}"})


def test_spoiled_tokens(haul: Haul, forge: Forge, edge: Client) -> None:
    for spoil in SPOILED.values():
        token = spoil(forge)
        assert edge.bearing(token).call("GET", "/users/me").status_code == 401
        if len(token) > 200 and "." in token:
            haul.add(spoiled=token)


def test_an_order_and_its_mail(haul: Haul, edge: Client, goods: str, platform: Platform) -> None:
    person = _register(haul, edge).log_in()
    haul.add(access=person.token)
    person.order(goods)
    mail = wait_for_mail(f"http://{platform.address('mail-api')}", person.email, seconds=60)
    assert mail


def test_a_mail_server_that_refuses(
    haul: Haul, edge: Client, goods: str, platform: Platform, fault: FaultInjector
) -> None:
    """What it says about a recipient names the recipient."""
    person = _register(haul, edge).log_in()
    with fault("mail", "refuse"):
        person.order(goods)

        def refused() -> bool:
            return any(b"MailRefused" in text for name, text in logs(platform) if name.startswith("worker"))

        eventually(refused, seconds=60, what="the worker has been refused")
    wait_for_mail(f"http://{platform.address('mail-api')}", person.email, seconds=90)


def test_a_database_that_fails(haul: Haul, edge: Client, fault: FaultInjector) -> None:
    """A driver's error repeats the statement, and with it what it was about."""
    person = _register(haul, edge).log_in()
    key = person.make_key("profile:read")["key"]
    haul.add(access=person.token, refresh=person.grant["refresh_token"], key=key)
    right = {"email": person.email, "password": person.password}
    with fault("users→postgres", "down"):
        for _ in range(2):
            edge.call("POST", "/users", {**right, "name": "x"})
            edge.call("POST", "/tokens", right)
            edge.call("POST", "/sessions", right)
            edge.call("POST", "/tokens/refresh", {"refresh_token": person.grant["refresh_token"]})
            edge.call("GET", "/users/me", headers={"X-API-Key": key})
    assert eventually(lambda: edge.call("POST", "/tokens", right).status_code == 200, seconds=60)


def test_nothing_of_it_is_told_anywhere(haul: Haul, platform: Platform, admin: Person, customer: Person) -> None:
    haul.add(admin=admin.token, admin_password=admin.password, mail=customer.email, password=customer.password)
    assert len(haul.known) > 150
    # the telemetry of the last request is on its way for half a second
    marker = customer.call("GET", "/users/me").headers["X-Trace-Id"]
    eventually(lambda: any(bytes.fromhex(marker) in body for _, body in spans(platform)), seconds=30)
    told = {kind.__name__: list(kind(platform)) for kind in (logs, spans, metrics)}
    assert len(told["logs"]) > 15
    assert len(told["spans"]) > 500
    assert len(told["metrics"]) > 10
    # what every request leaves in all three is found by the same search
    route = Haul({"a route": "/users/me"})
    assert all(route.told_by(texts) for texts in told.values())
    leaks = [leak for texts in told.values() for leak in haul.told_by(texts)]
    assert leaks == [], "\n".join(leaks[:40])
