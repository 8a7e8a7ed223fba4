"""What was ended is over at once, through both gateways, though neither has asked anybody yet."""

import uuid
from collections.abc import Iterator

import pytest

from stormglass.testing import Platform
from tests.security.people import Client, Person, problem

pytestmark = pytest.mark.owasp("API2")


@pytest.fixture
def visitor(platform: Platform) -> Iterator[Person]:
    """Somebody with an account whose log-ins this test may end."""
    with Person(platform.base_url) as person:
        yield person.register().log_in()


@pytest.fixture
def gateways(platform: Platform) -> Iterator[tuple[Client, ...]]:
    """Each gateway by itself: both have to know."""
    clients = tuple(Client(f"http://{platform.address('gateway', number)}") for number in (1, 2))
    yield clients
    for client in clients:
        client.close()


def _warm(gateways: tuple[Client, ...], *credentials: dict[str, str]) -> None:
    """Every gateway has seen every credential, and remembers that it is good."""
    for gateway in gateways:
        for headers in credentials:
            assert gateway.call("GET", "/users/me", headers=headers).status_code == 200


def _over(gateways: tuple[Client, ...], *credentials: dict[str, str]) -> None:
    for gateway in gateways:
        for headers in credentials:
            assert gateway.call("GET", "/users/me", headers=headers).status_code == 401


def _cookie(browser: Client) -> dict[str, str]:
    return {"Cookie": browser.credential["Cookie"]}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_logging_out_ends_the_session_everywhere_at_once(visitor: Person, gateways: tuple[Client, ...]) -> None:
    here, there = visitor.open_session(), visitor.open_session()
    _warm(gateways, _cookie(here), _cookie(there))
    answer = here.call("DELETE", "/sessions/current")
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    _over(gateways, _cookie(here))
    _warm(gateways, _cookie(there), _bearer(visitor.token))


def test_revoking_the_refresh_token_ends_the_access_token(visitor: Person, gateways: tuple[Client, ...]) -> None:
    _warm(gateways, _bearer(visitor.token))
    assert visitor.call("POST", "/tokens/revoke", {"refresh_token": visitor.grant["refresh_token"]}).status_code == 204
    _over(gateways, _bearer(visitor.token))


def test_one_log_in_can_be_ended_from_another(visitor: Person, gateways: tuple[Client, ...]) -> None:
    browser = visitor.open_session()
    _warm(gateways, _cookie(browser))
    session_id = browser.call("GET", "/sessions/current").json()["id"]
    assert visitor.call("DELETE", f"/sessions/{session_id}").status_code == 204
    _over(gateways, _cookie(browser))


def test_logging_out_everywhere(visitor: Person, gateways: tuple[Client, ...]) -> None:
    browser, other = visitor.open_session(), visitor.open_session()
    everything = (_cookie(browser), _cookie(other), _bearer(visitor.token))
    _warm(gateways, *everything)
    assert browser.call("DELETE", "/sessions").status_code == 204
    _over(gateways, *everything)


def test_an_administrator_logs_somebody_out(visitor: Person, admin: Person, gateways: tuple[Client, ...]) -> None:
    browser = visitor.open_session()
    _warm(gateways, _cookie(browser), _bearer(visitor.token))
    assert admin.call("DELETE", f"/users/{visitor.id}/sessions").status_code == 204
    _over(gateways, _cookie(browser), _bearer(visitor.token))


def test_a_new_password_ends_every_other_log_in(visitor: Person, gateways: tuple[Client, ...]) -> None:
    here, other = visitor.open_session(), visitor.open_session()
    _warm(gateways, _cookie(here), _cookie(other), _bearer(visitor.token))
    body = {"current_password": visitor.password, "new_password": uuid.uuid4().hex}
    assert here.call("POST", "/users/me/password", {**body, "current_password": "wrong"}).status_code == 403
    _warm(gateways, _cookie(other))
    assert here.call("POST", "/users/me/password", body).status_code == 204
    _over(gateways, _cookie(other), _bearer(visitor.token))
    _warm(gateways, _cookie(here))
    refused = visitor.call("POST", "/tokens", {"email": visitor.email, "password": visitor.password})
    assert refused.status_code in {401, 400}


def test_a_revoked_key_opens_nothing(visitor: Person, gateways: tuple[Client, ...]) -> None:
    made = visitor.make_key("profile:read")
    headers = {"X-API-Key": made["key"]}
    _warm(gateways, headers)
    assert visitor.call("DELETE", f"/api-keys/{made['id']}").status_code == 204
    _over(gateways, headers)


def test_a_refresh_token_that_is_used_twice_ends_its_family(visitor: Person, gateways: tuple[Client, ...]) -> None:
    """The thief comes second, or the owner does: whoever it is, both are out."""
    stolen = visitor.grant["refresh_token"]
    renewed = visitor.call("POST", "/tokens/refresh", {"refresh_token": stolen}).json()
    _warm(gateways, _bearer(visitor.token), _bearer(renewed["access_token"]))
    again = visitor.call("POST", "/tokens/refresh", {"refresh_token": stolen})
    assert (again.status_code, problem(again)) == (401, "invalid-refresh-token")
    successor = visitor.call("POST", "/tokens/refresh", {"refresh_token": renewed["refresh_token"]})
    assert (successor.status_code, problem(successor)) == (401, "invalid-refresh-token")
    _over(gateways, _bearer(visitor.token), _bearer(renewed["access_token"]))


def test_another_log_in_survives_the_theft_of_one(visitor: Person, gateways: tuple[Client, ...]) -> None:
    other = Person(visitor.base_url, email=visitor.email, password=visitor.password).log_in()
    stolen = visitor.grant["refresh_token"]
    for _ in range(2):
        visitor.call("POST", "/tokens/refresh", {"refresh_token": stolen})
    _warm(gateways, _bearer(other.token))
    assert other.call("POST", "/tokens/refresh", {"refresh_token": other.grant["refresh_token"]}).status_code == 200
    other.close()


@pytest.mark.parametrize("kind", ["access token", "session", "API key"])
def test_a_credential_does_not_pass_for_one_of_another_kind(kind: str, visitor: Person, edge: Client) -> None:
    cookie = visitor.open_session().credential["Cookie"].partition("=")[2]
    secret = {"access token": visitor.token, "session": cookie, "API key": visitor.make_key("profile:read")["key"]}
    value = secret[kind]
    attempts = {
        "access token": {"Authorization": f"Bearer {value}"},
        "session": {"Cookie": f"__Host-session={value}"},
        "API key": {"X-API-Key": value},
    }
    assert edge.call("GET", "/users/me", headers=attempts.pop(kind)).status_code == 200
    for headers in attempts.values():
        assert edge.call("GET", "/users/me", headers=headers).status_code == 401
    refresh = edge.call("POST", "/tokens/refresh", {"refresh_token": value[:256]})
    assert refresh.status_code == 401
