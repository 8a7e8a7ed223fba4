"""Who has an account here, or which credential was good once: neither text nor time of an answer tells."""

import base64
import secrets
import time
import uuid
from collections.abc import Callable
from statistics import quantiles
from typing import Any

import httpx
import pytest

from tests.security.forge import Forge
from tests.security.people import Client, Person

pytestmark = pytest.mark.owasp("API2")

ROUNDS = 40
FACTOR = 1.5
"""How far lower quartiles of `ROUNDS` times may be apart. A password hash takes 25 ms of the 30 of a log-in: leaving it
out would make it 5. A look-up that is left out is lost in the noise.

Not the medians: what else the machine does only adds to a time, so that the quicker times are the truer ones; and work
that is left out is missing from the quicker times as from the others."""


def _told(answer: httpx.Response) -> dict[str, Any]:
    """Everything an answer says, but for what is different each time."""
    own = {"date", "x-request-id", "x-trace-id", "ratelimit", "ratelimit-policy", "content-length"}
    headers = {name: value for name, value in answer.headers.items() if name not in own}
    body = answer.json() if answer.content else {}
    return {"status": answer.status_code, "headers": headers, "body": {**body, "trace_id": "", "instance": ""}}


def _quartiles(*asks: Callable[[], httpx.Response]) -> list[float]:
    """Of each request the lower quartile of its times; taken in turns, so that what disturbs one disturbs all.

    Every second round is backwards: the replicas are taken in turns, too, and each request is to meet all of them.
    """
    times: list[list[float]] = [[] for _ in asks]
    pairs = list(zip(asks, times, strict=True))
    for number in range(ROUNDS):
        for ask, taken in pairs[::-1] if number % 2 else pairs:
            begun = time.perf_counter()
            ask()
            taken.append(time.perf_counter() - begun)
    return [quantiles(taken, n=4)[0] for taken in times]


@pytest.fixture(params=["/tokens", "/sessions"])
def log_in(request: pytest.FixtureRequest, edge: Client) -> Callable[[str, str], httpx.Response]:
    return lambda email, password: edge.call("POST", request.param, {"email": email, "password": password})


def test_a_log_in_does_not_tell_whether_there_is_such_an_account(
    log_in: Callable[[str, str], httpx.Response], customer: Person
) -> None:
    known = log_in(customer.email, "wrong, I fear")
    others = {
        "no such account": log_in(f"nobody-{uuid.uuid4().hex}@example.org", "wrong, I fear"),
        "the administrator": log_in("admin@stormglass.local", "wrong, I fear"),
        "another case": log_in(customer.email.upper(), "wrong, I fear"),
        "no address": log_in("nobody", "wrong, I fear"),
        "SQL": log_in("' OR '1'='1' --", "wrong, I fear"),
        "a wild card": log_in("%", "wrong, I fear"),
    }
    assert known.status_code == 401
    for name, answer in others.items():
        assert _told(answer) == _told(known), name


def test_nor_does_the_time_it_takes(log_in: Callable[[str, str], httpx.Response], customer: Person) -> None:
    nobody = f"nobody-{uuid.uuid4().hex}@example.org"
    known, unknown, administrator = _quartiles(
        lambda: log_in(customer.email, "wrong, I fear"),
        lambda: log_in(nobody, "wrong, I fear"),
        lambda: log_in("admin@stormglass.local", "wrong, I fear"),
    )
    assert max(known, unknown, administrator) < FACTOR * min(known, unknown, administrator)


def test_a_password_that_is_nearly_right_is_as_wrong_as_any(
    log_in: Callable[[str, str], httpx.Response], customer: Person
) -> None:
    right = customer.password
    near = (right[:-1], f"{right} ", f" {right}", right.swapcase(), f"{right}\0", f"{right}x" * 3)
    wrong = _told(log_in(customer.email, "wrong, I fear"))
    for password in near:
        assert _told(log_in(customer.email, password)) == wrong


def test_refresh_tokens_that_are_not_good_are_all_alike(edge: Client, customer: Person) -> None:
    """Made up, misshapen, used, revoked: one answer. (Expired ones are the users service's own tests' business.)"""

    def grant() -> str:
        answer = edge.call("POST", "/tokens", {"email": customer.email, "password": customer.password})
        return str(answer.json()["refresh_token"])

    def refresh(token: str) -> httpx.Response:
        return edge.call("POST", "/tokens/refresh", {"refresh_token": token})

    used, revoked = grant(), grant()
    assert refresh(used).status_code == 200
    assert edge.call("POST", "/tokens/revoke", {"refresh_token": revoked}).status_code == 204
    answers = [refresh(token) for token in (used, revoked, secrets.token_urlsafe(32), "x", customer.token[:200])]
    assert {answer.status_code for answer in answers} == {401}
    assert all(_told(answer) == _told(answers[0]) for answer in answers)


def test_revoking_tells_nothing_of_a_token(edge: Client) -> None:
    for token in (secrets.token_urlsafe(32), "x"):
        assert edge.call("POST", "/tokens/revoke", {"refresh_token": token}).status_code == 204


def test_sessions_that_are_not_good_are_all_alike(edge: Client, customer: Person) -> None:
    ended = customer.open_session()
    assert ended.call("DELETE", "/sessions/current").status_code == 204
    shown = (ended.credential["Cookie"], f"__Host-session={secrets.token_urlsafe(32)}")
    answers = [edge.call("GET", "/users/me", headers={"Cookie": cookie}) for cookie in shown * 2]
    assert {answer.status_code for answer in answers} == {401}
    assert all(_told(answer) == _told(answers[0]) for answer in answers)


def test_api_keys_that_are_not_good_are_all_alike(edge: Client, customer: Person) -> None:
    made = customer.make_key("profile:read")
    kept = customer.make_key("profile:read")
    assert customer.call("DELETE", f"/api-keys/{made['id']}").status_code == 204
    prefix, secret = made["key"].removeprefix("sgk_").split("_", 1)
    other = secrets.token_urlsafe(32)
    shown = {
        "revoked": made["key"],
        "a known prefix, another secret": f"sgk_{kept['prefix']}_{other}",
        "an unknown prefix": f"sgk_{'a' * 12}_{other}",
        "another's secret": f"sgk_{kept['prefix']}_{secret}",
        "capitals": f"sgk_{prefix}_{secret.swapcase()}",
    }
    answers = {name: edge.call("GET", "/users/me", headers={"X-API-Key": key}) for name, key in shown.items()}
    first = answers["revoked"]
    assert first.status_code == 401
    for name, answer in answers.items():
        assert _told(answer) == _told(first), name


def test_the_time_does_not_tell_which_prefix_of_a_key_exists(edge: Client, customer: Person) -> None:
    kept = customer.make_key("profile:read")

    def show(prefix: str) -> httpx.Response:
        # never the same secret twice: the gateway may remember what it was told
        key = f"sgk_{prefix}_{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip('=')}"
        return edge.call("GET", "/users/me", headers={"X-API-Key": key})

    known, unknown = _quartiles(lambda: show(kept["prefix"]), lambda: show("a" * 12))
    assert max(known, unknown) < FACTOR * min(known, unknown)


def test_a_token_for_an_account_that_does_not_exist_tells_nothing_about_others(forge: Forge, edge: Client) -> None:
    with edge.bearing(forge.scoped("profile:read")) as nobody:
        answer = nobody.call("GET", "/users/me")
    assert answer.status_code == 404


def test_registering_is_the_one_place_that_tells(edge: Client, customer: Person) -> None:
    """Accepted (docs/security.md): without mails that confirm an address there is no other answer to give."""
    body = {"email": customer.email, "password": "long enough", "name": "x"}
    answer = edge.call("POST", "/users", body)
    assert answer.status_code == 409
    assert customer.id not in answer.text
    assert customer.email not in answer.text
