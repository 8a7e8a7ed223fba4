"""Registering, logging in, the profile and the keys, against the running service."""

import asyncio
import time
import uuid
from statistics import median
from typing import Any

import pytest

from stormglass.security import tokens
from stormglass.testing import Platform
from tests.integration.products.client import Client

PASSWORD = "a horse that knows its weather"
WORKER = ("service:worker", ())


def address() -> str:
    return f"Ada.{uuid.uuid4().hex[:12]}@Example.org"


async def registered(users: Client, email: str, name: str = "Ada") -> dict[str, Any]:
    answer = await users.call("POST", "/users", {"email": email, "password": PASSWORD, "name": name})
    assert answer.status == 201, answer.raw
    account: dict[str, Any] = answer.body
    return account


def owner(account: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    return (account["id"], ("profile:read", "profile:write"))


async def test_an_account_is_made_once_however_its_address_is_written(users: Client) -> None:
    email = address()
    account = await registered(users, email)
    assert (account["email"], account["name"]) == (email, "Ada")
    assert account["created_at"].endswith("Z")
    assert "password" not in str(account)
    for written in (email, email.upper(), email.lower()):
        again = await users.call("POST", "/users", {"email": written, "password": PASSWORD, "name": "Eve"})
        assert (again.status, again.problem) == (409, "email-taken")


async def test_of_many_who_register_one_address_at_once_one_succeeds(users: Client) -> None:
    body = {"email": address(), "password": PASSWORD, "name": "Ada"}
    answers = await asyncio.gather(*(users.call("POST", "/users", body) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7


async def test_a_token_says_who_and_what_and_fits_the_published_key(users: Client) -> None:
    email = address()
    account = await registered(users, email)
    answer = await users.call("POST", "/tokens", {"email": email.upper(), "password": PASSWORD})
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body["token_type"] == "Bearer"
    published = await users.call("GET", "/.well-known/jwks.json")
    assert "max-age" in published.headers["Cache-Control"]
    keys = tokens.public_keys(published.body)
    token = tokens.verify(answer.body["access_token"], keys[tokens.key_id_of(answer.body["access_token"])])
    assert token.subject == account["id"]
    assert token.scopes == {"account", "orders:read", "orders:write", "profile:read", "profile:write"}
    assert uuid.UUID(token.login_id)
    assert set(answer.body["scope"].split()) == token.scopes
    assert abs(token.expires_at - time.time() - answer.body["expires_in"]) < 30


async def test_the_administrator_logs_in_with_the_secret_and_may_write_products(
    users: Client, platform: Platform
) -> None:
    body = {"email": "admin@stormglass.local", "password": platform.secret("users", "admin_password")}
    answer = await users.call("POST", "/tokens", body)
    assert {"products:write", "admin"} <= set(answer.body["scope"].split())
    taken = await users.call("POST", "/users", {**body, "name": "Eve", "email": "Admin@Stormglass.Local"})
    assert (taken.status, taken.problem) == (409, "email-taken")


async def test_an_unknown_address_and_a_wrong_password_look_the_same(users: Client) -> None:
    email = address()
    await registered(users, email)
    taken: dict[str, list[float]] = {email: [], "nobody@example.org": []}
    said: list[dict[str, Any]] = []
    for _ in range(7):
        for each, times in taken.items():
            begun = time.perf_counter()
            answer = await users.call("POST", "/tokens", {"email": each, "password": "wrong, I fear"})
            times.append(time.perf_counter() - begun)
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            said.append({**answer.body, "trace_id": ""})
    assert all(each == said[0] for each in said)
    known, unknown = (median(times) for times in taken.values())
    # without the hash an unknown address would be answered twenty times as fast
    assert 0.4 < unknown / known < 2.5


async def test_logging_in_does_not_block_others(users: Client) -> None:
    email = address()
    await registered(users, email)
    body = {"email": email, "password": PASSWORD}
    logins = asyncio.gather(*(users.call("POST", "/tokens", body) for _ in range(12)))
    begun = time.monotonic()
    answered = 0
    while not logins.done():
        assert (await users.call("GET", "/.well-known/jwks.json")).status == 200
        answered += 1
    spent = time.monotonic() - begun
    assert {answer.status for answer in await logins} == {200}
    # a loop that hashed by itself would answer at most once between two log-ins, so 13 times
    assert answered > 20, f"{answered} other answers while 12 log-ins took {spent:.2f} s"


async def test_the_profile_is_cached_and_a_change_is_seen_at_once(users: Client) -> None:
    account = await registered(users, address())
    first = await users.call("GET", "/users/me", who=owner(account))
    second = await users.call("GET", "/users/me", who=owner(account))
    assert first.body == second.body == account
    assert [each.headers["Cache-Status"] for each in (first, second)] == ["users; fwd=miss; stored", "users; hit"]
    assert "private" in first.headers["Cache-Control"]
    known = {"If-None-Match": first.headers["ETag"]}
    assert (await users.call("GET", "/users/me", who=owner(account), headers=known)).status == 304
    renamed = await users.call("PATCH", "/users/me", {"name": "Ada L."}, who=owner(account))
    assert renamed.body == {**account, "name": "Ada L."}
    assert (await users.call("GET", "/users/me", who=owner(account), headers=known)).body == renamed.body


async def test_who_may_see_what(users: Client) -> None:
    account = await registered(users, address())
    contact = f"/users/{account['id']}/contact"
    assert (await users.call("GET", "/users/me")).status == 401
    assert (await users.call("GET", "/users/me", who=(account["id"], ()))).status == 403
    assert (await users.call("PATCH", "/users/me", {"name": "x"}, who=(account["id"], ("profile:read",)))).status == 403
    assert (await users.call("GET", "/users/me", who=("service:worker", ("profile:read",)))).status == 403
    assert (await users.call("GET", "/users/me", who=(str(uuid.uuid4()), ("profile:read",)))).status == 404
    assert (await users.call("GET", contact, who=owner(account))).status == 403
    assert (await users.call("GET", contact, who=WORKER)).body == {"email": account["email"], "name": account["name"]}
    assert (await users.call("GET", f"/users/{uuid.uuid4()}/contact", who=WORKER)).problem == "no-such-user"


@pytest.mark.parametrize("change", [{"email": "ada"}, {"password": "short"}, {"name": ""}, {"is_admin": True}])
async def test_a_malformed_registration_is_refused_without_repeating_it(change: dict[str, Any], users: Client) -> None:
    body = {"email": address(), "password": PASSWORD, "name": "Ada", **change}
    refused = await users.call("POST", "/users", body)
    assert (refused.status, refused.problem) == (400, "invalid-request")
    assert PASSWORD.encode() not in refused.raw


async def test_neither_addresses_nor_passwords_are_logged(users: Client, platform: Platform) -> None:
    email, secret = address(), f"secret-{uuid.uuid4().hex}"
    await users.call("POST", "/users", {"email": email, "password": secret, "name": "Ada"})
    await users.call("POST", "/users", {"email": email, "password": secret, "name": "Ada"})
    await users.call("POST", "/users", {"email": email, "password": secret, "name": ""})
    await users.call("POST", "/tokens", {"email": email, "password": secret})
    await users.call("POST", "/tokens", {"email": email, "password": f"{secret}-wrong"})
    logs = list(platform.instance.logs.glob("*.log"))
    assert [log for log in logs if log.name == "users-1.log"]
    for log in logs:
        text = log.read_text(errors="replace").lower()
        assert email.lower() not in text, log
        assert secret not in text, log
