"""Browser sessions: forged across sites, fixed in advance, stolen, and over when they are over."""

import secrets
import uuid
from collections.abc import Iterator
from http.cookies import SimpleCookie

import pytest

from stormglass.testing import Platform
from tests.security.people import Client, Person, problem

pytestmark = pytest.mark.owasp("API2")

SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def visitor(platform: Platform) -> Iterator[Person]:
    """Somebody with an account whose log-ins this test may end."""
    with Person(platform.base_url) as person:
        yield person.register().log_in()


def _cookie(browser: Client) -> dict[str, str]:
    """Only the cookie: what a browser sends by itself, whoever made it send the request."""
    return {"Cookie": browser.credential["Cookie"]}


def _log_in(person: Person, **headers: str) -> SimpleCookie:
    body = {"email": person.email, "password": person.password}
    with Client(person.base_url) as browser:
        answer = browser.call("POST", "/sessions", body, headers=headers)
    assert answer.status_code == 201, answer.text
    return SimpleCookie(answer.headers["Set-Cookie"])


def test_the_cookie_is_as_narrow_as_a_cookie_can_be(visitor: Person) -> None:
    morsel = _log_in(visitor)["__Host-session"]
    assert len(morsel.value) >= 43
    assert (morsel["path"], morsel["domain"], morsel["samesite"].lower()) == ("/", "", "lax")
    assert morsel["secure"]
    assert morsel["httponly"]


WRITES = [
    ("PATCH", "/users/me", {"name": "Mallory"}),
    ("POST", "/users/me/password", {"current_password": "x", "new_password": "long enough"}),
    ("POST", "/api-keys", {"name": "x", "scopes": ["orders:read"]}),
    ("POST", "/orders", {"items": []}),
    ("POST", f"/orders/{uuid.uuid4()}/cancel", None),
    ("DELETE", "/sessions", None),
    ("DELETE", "/sessions/current", None),
    ("DELETE", f"/api-keys/{uuid.uuid4()}", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES, ids=lambda value: str(value)[:24])
def test_a_write_that_another_site_causes_is_refused(
    method: str, path: str, body: object, visitor: Person, edge: Client
) -> None:
    browser, another = visitor.open_session(), visitor.open_session()
    token = browser.credential["X-CSRF-Token"]
    attempts: dict[str, dict[str, str]] = {
        "no token": {},
        "empty token": {"X-CSRF-Token": ""},
        "made-up token": {"X-CSRF-Token": secrets.token_urlsafe(32)},
        "another session's token": {"X-CSRF-Token": another.credential["X-CSRF-Token"]},
        "the cookie as the token": {"X-CSRF-Token": browser.credential["Cookie"].partition("=")[2]},
        "half a token": {"X-CSRF-Token": token[:-1]},
        "capitals": {"X-CSRF-Token": token.swapcase()},
        "another site": {"X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site"},
        "a sister site": {"X-CSRF-Token": token, "Sec-Fetch-Site": "same-site"},
        "another origin": {"X-CSRF-Token": token, "Origin": "https://evil.example"},
        "the null origin": {"X-CSRF-Token": token, "Origin": "null"},
        "a longer origin": {"X-CSRF-Token": token, "Origin": f"{browser.base_url}.evil.example"},
    }
    for name, headers in attempts.items():
        answer = edge.call(method, path, body, headers={**_cookie(browser), **headers})
        assert (answer.status_code, problem(answer)) == (403, "csrf"), name
    # nothing happened: the session is as good as before, and the name is
    assert edge.call("GET", "/users/me", headers=_cookie(browser)).json()["name"] == visitor.name


def test_the_page_itself_may_write(visitor: Person) -> None:
    browser = visitor.open_session()
    for headers in ({}, SAME, {"Origin": browser.base_url}, {**SAME, "Origin": browser.base_url}):
        name = f"New {uuid.uuid4().hex}"
        answer = browser.call("PATCH", "/users/me", {"name": name}, headers=headers)
        assert (answer.status_code, answer.json().get("name")) == (200, name)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_nobody_is_logged_in_by_another_site(headers: dict[str, str], visitor: Person, edge: Client) -> None:
    """Log-in CSRF: the victim would buy with the attacker's account."""
    body = {"email": visitor.email, "password": visitor.password}
    answer = edge.call("POST", "/sessions", body, headers=headers)
    assert (answer.status_code, problem(answer)) == (403, "csrf")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_cannot_send_what_looks_like_json(media_type: str, visitor: Person, edge: Client) -> None:
    body = f'{{"email":"{visitor.email}","password":"{visitor.password}"}}'
    answer = edge.call("POST", "/sessions", content=body, headers={"Content-Type": media_type})
    assert answer.status_code == 415
    assert "Set-Cookie" not in answer.headers


def test_a_session_that_was_fixed_in_advance_is_not_the_one_that_logs_in(visitor: Person, edge: Client) -> None:
    planted = f"__Host-session={secrets.token_urlsafe(32)}"
    given = _log_in(visitor, Cookie=planted)["__Host-session"].value
    assert given not in planted
    assert edge.call("GET", "/users/me", headers={"Cookie": planted}).status_code == 401


def test_logging_in_again_ends_the_session_that_came_along(visitor: Person, edge: Client) -> None:
    before = visitor.open_session()
    assert edge.call("GET", "/users/me", headers=_cookie(before)).status_code == 200
    csrf = before.credential["X-CSRF-Token"]
    after = _log_in(visitor, Cookie=before.credential["Cookie"], **{"X-CSRF-Token": csrf})["__Host-session"].value
    for _ in range(4):
        assert edge.call("GET", "/users/me", headers=_cookie(before)).status_code == 401
    assert edge.call("GET", "/users/me", headers={"Cookie": f"__Host-session={after}"}).status_code == 200


@pytest.mark.parametrize("name", ["session", "__Secure-session", "__host-session", "__Host-Session", "__Host-session2"])
def test_no_other_cookie_is_a_session(name: str, visitor: Person, edge: Client) -> None:
    """A sister site can set any cookie for all of a domain, but none whose name begins with __Host-."""
    value = visitor.open_session().credential["Cookie"].partition("=")[2]
    assert edge.call("GET", "/users/me", headers={"Cookie": f"{name}={value}"}).status_code == 401


def test_two_credentials_are_one_too_many(visitor: Person, edge: Client, customer: Person) -> None:
    cookie = _cookie(visitor.open_session())
    other = _cookie(customer.open_session())
    key = {"X-API-Key": visitor.make_key("profile:read")["key"]}
    bearer = {"Authorization": f"Bearer {visitor.token}"}
    both = {"Cookie": f"{cookie['Cookie']}; {other['Cookie']}"}
    for headers in (cookie | bearer, cookie | key, bearer | key, both):
        answer = edge.call("GET", "/users/me", headers=headers)
        assert (answer.status_code, problem(answer)) == (400, "bad-request")


@pytest.mark.owasp("API1")
def test_others_cannot_see_or_end_a_log_in(visitor: Person, stranger: Person, edge: Client) -> None:
    browser = visitor.open_session()
    session_id = edge.call("GET", "/sessions/current", headers=_cookie(browser)).json()["id"]
    assert session_id not in stranger.call("GET", "/sessions").text
    refused = stranger.call("DELETE", f"/sessions/{session_id}")
    assert (refused.status_code, problem(refused)) == (404, "no-such-session")
    refused = stranger.call("DELETE", f"/users/{visitor.id}/sessions")
    assert (refused.status_code, problem(refused)) == (403, "insufficient-scope")
    assert edge.call("GET", "/users/me", headers=_cookie(browser)).status_code == 200


def test_answers_to_sessions_are_stored_nowhere(visitor: Person) -> None:
    browser = visitor.open_session()
    for path in ("/sessions", "/sessions/current"):
        assert browser.call("GET", path).headers["Cache-Control"] == "no-store"


def test_what_is_listed_of_log_ins_opens_nothing(visitor: Person, edge: Client) -> None:
    visitor.open_session()
    for item in visitor.call("GET", "/sessions").json()["items"]:
        assert item.keys() == {"id", "kind", "created_at", "last_used_at", "expires_at", "current"}
        answer = edge.call("GET", "/users/me", headers={"Cookie": f"__Host-session={item['id']}"})
        assert answer.status_code == 401
