"""API keys: shown once, verified by their hash, never for more than their maker may do."""

import asyncio
import time
import uuid
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from stormglass.data.database import Database
from stormglass.security import revocation
from stormglass.security.opaque import ApiKey
from tests.integration.products.client import ADMINISTRATOR, Client
from tests.integration.products.replica import Replica
from tests.integration.users.person import GATEWAY, SCOPES, Person

WANTED = {"name": "nightly import", "scopes": ["orders:read", "orders:read"], "expires_in_days": 2}


async def made(ada: Person, **changed: Any) -> dict[str, Any]:
    answer = await ada.call("POST", "/api-keys", {**WANTED, **changed})
    assert answer.status == 201, answer.raw
    assert answer.headers["Cache-Control"] == "no-store"
    key: dict[str, Any] = answer.body
    return key


async def listed(ada: Person) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await ada.call("GET", "/api-keys")).body["items"]
    return items


async def test_a_key_is_told_once_and_only_its_hash_is_kept(ada: Person, database: Database) -> None:
    key = await made(ada)
    parsed = ApiKey.parse(key["key"])
    assert parsed is not None
    assert parsed.prefix == key["prefix"]
    assert key["scopes"] == ["orders:read"]
    (item,) = await listed(ada)
    assert item == {**{name: value for name, value in key.items() if name != "key"}, "last_used_at": None}
    async with database.engine.connect() as connection:
        (stored,) = await connection.execute(text("SELECT * FROM api_key WHERE id = :id"), {"id": key["id"]})
    assert parsed.secret not in str(stored)
    assert len(stored.secret_hash) == 32


async def test_a_key_is_verified_until_it_is_revoked(ada: Person, redis: Redis) -> None:
    key = await made(ada)
    verified = await ada.verify("api-key", key["key"])
    assert verified.status == 200
    told = verified.body
    assert abs(told.pop("expires_at") - time.time() - 2 * 86_400) < 60
    assert told == {"subject": ada.id, "scopes": ["orders:read"], "credential": f"key:{key['id']}"}
    assert (await listed(ada))[0]["last_used_at"] is not None
    assert (await ada.call("DELETE", f"/api-keys/{key['id']}")).status == 204
    assert await redis.exists(revocation.key_of(f"key:{key['id']}"))
    assert (await ada.verify("api-key", key["key"])).problem == "no-such-credential"
    assert (await ada.call("DELETE", f"/api-keys/{key['id']}")).problem == "no-such-key"
    assert await listed(ada) == []


async def test_the_last_use_is_written_down_once_a_minute(ada: Person, database: Database) -> None:
    key = await made(ada)

    async def used() -> Any:
        assert (await ada.verify("api-key", key["key"])).status == 200
        return (await listed(ada))[0]["last_used_at"]

    first = await used()
    assert await used() == first
    async with database.engine.begin() as connection:
        await connection.execute(
            text("UPDATE api_key SET last_used_at = last_used_at - interval '61 seconds' WHERE id = :id"),
            {"id": key["id"]},
        )
    assert await used() > first


@pytest.mark.parametrize("part", ["prefix", "secret", "form", "kind"])
async def test_what_is_not_quite_a_key_is_unknown(ada: Person, part: str) -> None:
    text_ = (await made(ada))["key"]
    key = ApiKey.parse(text_)
    assert key is not None
    other = ApiKey.new()
    shown = {
        "prefix": str(ApiKey(other.prefix, key.secret)),
        "secret": str(ApiKey(key.prefix, other.secret)),
        "form": text_[:-1],
        "kind": text_,
    }[part]
    answer = await ada.verify("session" if part == "kind" else "api-key", shown)
    assert (answer.status, answer.problem) == (404, "no-such-credential")


@pytest.mark.parametrize(
    ("change", "status", "problem"),
    [
        ({"scopes": ["account"]}, 400, "invalid-request"),
        ({"scopes": ["admin"]}, 400, "invalid-request"),
        ({"scopes": []}, 400, "invalid-request"),
        ({"scopes": ["products:write"]}, 403, "insufficient-scope"),
        ({"name": ""}, 400, "invalid-request"),
        ({"expires_in_days": 0}, 400, "invalid-request"),
        ({"expires_in_days": 366}, 400, "invalid-request"),
        ({"prefix": "mine"}, 400, "invalid-request"),
    ],
)
async def test_a_key_for_more_than_its_maker_may_do_is_refused(
    ada: Person, change: dict[str, Any], status: int, problem: str
) -> None:
    answer = await ada.call("POST", "/api-keys", {**WANTED, **change})
    assert (answer.status, answer.problem) == (status, problem)
    assert await listed(ada) == []


async def test_a_key_holds_no_scope_that_its_account_does_not_have(ada: Person, database: Database) -> None:
    key = await made(ada, scopes=["orders:read", "profile:read"])
    async with database.engine.begin() as connection:
        # as if the account had been an administrator's when the key was made
        await connection.execute(
            text("UPDATE api_key SET scopes = '{orders:read,products:write,admin}' WHERE id = :id"), {"id": key["id"]}
        )
    assert (await ada.verify("api-key", key["key"])).body["scopes"] == ["orders:read"]


async def test_a_key_expires(ada: Person, database: Database) -> None:
    key = await made(ada)
    async with database.engine.begin() as connection:
        await connection.execute(
            text("UPDATE api_key SET expires_at = now() - interval '1 second' WHERE id = :id"), {"id": key["id"]}
        )
    assert (await ada.verify("api-key", key["key"])).status == 404
    assert await listed(ada) == []


async def test_who_may_do_what_with_keys(ada: Person, users: Client) -> None:
    key = await made(ada)
    eve = await Person(users).register()
    assert (await eve.call("DELETE", f"/api-keys/{key['id']}")).problem == "no-such-key"
    assert await listed(eve) == []
    without = tuple(scope for scope in SCOPES if scope != "account")
    for method, path, body in (
        ("POST", "/api-keys", WANTED),
        ("GET", "/api-keys", None),
        ("DELETE", f"/api-keys/{key['id']}", None),
    ):
        assert (await users.call(method, path, body)).status == 401
        assert (await users.call(method, path, body, who=(ada.id, without))).status == 403
    nobody = (str(uuid.uuid4()), SCOPES)
    assert (await users.call("POST", "/api-keys", WANTED, who=nobody)).problem == "no-such-user"
    assert [each["id"] for each in await listed(ada)] == [key["id"]]


async def test_only_gateways_ask_what_stands_behind_a_credential(ada: Person, users: Client) -> None:
    body = {"kind": "api-key", "secret": (await made(ada))["key"]}
    path = "/credentials/verify"
    assert (await users.call("POST", path, body)).status == 401
    for who in (ada.who, ADMINISTRATOR, ("service:orders", ()), ("service:gateways", ())):
        assert (await users.call("POST", path, body, who=who)).status == 403
    assert (await users.call("POST", path, body, who=GATEWAY)).status == 200


async def test_an_account_has_no_more_keys_than_it_may(ada: Person, cut_off: Replica) -> None:
    ada.address = cut_off.address
    answers = await asyncio.gather(*(ada.call("POST", "/api-keys", WANTED) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [201] * 3 + [409] * 5
    assert {answer.problem for answer in answers if answer.status == 409} == {"too-many-keys"}
    assert (await ada.call("DELETE", f"/api-keys/{(await listed(ada))[0]['id']}")).status == 204
    assert (await ada.call("POST", "/api-keys", WANTED)).status == 201
