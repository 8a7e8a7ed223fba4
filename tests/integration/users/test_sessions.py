"""Browser sessions: opened with a cookie, listed, and ended one by one or all at once."""

import asyncio
import re
import time
import uuid
from statistics import median

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from stormglass.data.database import Database
from stormglass.security import csrf, revocation
from stormglass.security.opaque import digest, looks_like_secret
from stormglass.testing import Platform
from tests.integration.products.client import Client
from tests.integration.users.person import SCOPES, Person

CLEARED = r"__Host-session=(\"\")?; HttpOnly; Max-Age=0; Path=/; SameSite=lax; Secure"


async def test_a_session_is_opened_with_a_cookie_that_only_this_host_gets(ada: Person, database: Database) -> None:
    answer = await ada.post("/sessions", {"email": ada.email, "password": ada.password})
    assert answer.status == 201
    cookie = answer.headers["Set-Cookie"]
    match = re.fullmatch(r"__Host-session=([^;]+); HttpOnly; Max-Age=(\d+); Path=/; SameSite=lax; Secure", cookie)
    assert match, cookie
    assert looks_like_secret(match[1])
    assert int(match[2]) == 7 * 86_400
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.body) == {"id", "csrf_token", "expires_in"}
    assert csrf.fits(answer.body["csrf_token"], match[1])
    assert answer.body["expires_in"] == 86_400
    assert match[1] not in answer.raw.decode()
    async with database.engine.connect() as connection:
        (stored,) = await connection.execute(text("SELECT * FROM login WHERE id = :id"), {"id": answer.body["id"]})
    assert stored.secret_hash == digest(match[1])
    assert match[1] not in str(stored)


async def test_a_session_is_verified_for_the_gateway_until_it_ends(ada: Person, redis: Redis) -> None:
    secret = await ada.session()
    verified = await ada.verify("session", secret)
    assert verified.status == 200
    assert verified.headers["Cache-Control"] == "no-store"
    told = verified.body
    assert abs(told.pop("expires_at") - time.time() - 86_400) < 60
    assert told == {"subject": ada.id, "scopes": list(SCOPES), "credential": ada.credential}
    ended = await ada.call("DELETE", "/sessions/current")
    assert ended.status == 204
    assert re.fullmatch(CLEARED, ended.headers["Set-Cookie"]), ended.headers["Set-Cookie"]
    assert await redis.exists(revocation.key_of(ada.credential))
    assert (await ada.verify("session", secret)).problem == "no-such-credential"
    assert (await ada.call("GET", "/sessions/current")).problem == "no-such-session"
    assert (await ada.call("DELETE", "/sessions/current")).problem == "no-such-session"


async def test_logging_in_with_a_session_ends_it_and_makes_a_new_secret(ada: Person, redis: Redis) -> None:
    before, old = await ada.session(), ada.credential
    after = await ada.session(credential=old)
    assert before != after
    assert (await ada.verify("session", before)).status == 404
    assert (await ada.verify("session", after)).status == 200
    assert await redis.exists(revocation.key_of(old))
    assert [each["id"] for each in await ada.logins()] == [ada.credential.removeprefix("login:")]


async def test_a_failed_log_in_ends_nothing(ada: Person) -> None:
    secret = await ada.session()
    body = {"email": ada.email, "password": "wrong, I fear"}
    refused = await ada.call("POST", "/sessions", body)
    assert (refused.status, refused.problem) == (401, "invalid-credentials")
    assert "Set-Cookie" not in refused.headers
    assert (await ada.verify("session", secret)).status == 200


async def test_log_ins_are_listed_and_ended_by_their_owner_only(ada: Person, users: Client, redis: Redis) -> None:
    await ada.session()
    first = ada.credential.removeprefix("login:")
    await ada.tokens()
    secret = await ada.session()
    items = await ada.logins()
    assert [each["kind"] for each in items] == ["browser", "token", "browser"]
    assert [each["current"] for each in items] == [True, False, False]
    current = await ada.call("GET", "/sessions/current")
    assert current.body == items[0]
    eve = await Person(users).register()
    await eve.session()
    assert (await eve.call("DELETE", f"/sessions/{first}")).problem == "no-such-session"
    ended = await ada.call("DELETE", f"/sessions/{first}")
    assert ended.status == 204
    assert "Set-Cookie" not in ended.headers
    assert await redis.exists(revocation.key_of(f"login:{first}"))
    assert first not in {each["id"] for each in await ada.logins()}
    assert (await ada.call("DELETE", f"/sessions/{first}")).status == 404
    assert (await ada.verify("session", secret)).status == 200
    assert len(await eve.logins()) == 1


@pytest.mark.parametrize("by", ["owner", "administrator"])
async def test_everywhere_is_everywhere(ada: Person, redis: Redis, by: str) -> None:
    secrets, logins = [], []
    for _ in range(3):
        secrets.append(await ada.session())
        logins.append(ada.credential)
    tokens = await ada.tokens()
    if by == "owner":
        ended = await ada.call("DELETE", "/sessions")
        assert re.fullmatch(CLEARED, ended.headers["Set-Cookie"])
    else:
        who = (str(uuid.uuid4()), ("admin",))
        ended = await ada.users.call("DELETE", f"/users/{ada.id}/sessions", who=who)
        assert "Set-Cookie" not in ended.headers
    assert ended.status == 204
    assert {(await ada.verify("session", secret)).status for secret in secrets} == {404}
    assert (await ada.refresh(tokens["refresh_token"])).status == 401
    assert await redis.exists(*map(revocation.key_of, logins)) == 3
    assert await ada.logins() == []


async def test_who_may_end_sessions(ada: Person, users: Client) -> None:
    await ada.session()
    for method, path in (("GET", "/sessions"), ("DELETE", "/sessions"), ("DELETE", "/sessions/current")):
        assert (await users.call(method, path)).status == 401
        without = tuple(scope for scope in SCOPES if scope != "account")
        assert (await users.call(method, path, who=(ada.id, without), credential=ada.credential)).status == 403
        assert (await users.call(method, path, who=("service:worker", SCOPES))).status == 403
    everywhere = f"/users/{ada.id}/sessions"
    assert (await ada.call("DELETE", everywhere)).status == 403
    assert (await users.call("DELETE", f"/users/{uuid.uuid4()}/sessions", who=("x", ("admin",)))).status == 404
    assert (await users.call("DELETE", "/sessions", who=(str(uuid.uuid4()), SCOPES))).problem == "no-such-user"
    assert len(await ada.logins()) == 1


async def test_a_request_without_a_log_in_has_no_current_session(ada: Person) -> None:
    key = f"key:{uuid.uuid4()}"
    for credential in ("", key):
        for method in ("GET", "DELETE"):
            answer = await ada.call(method, "/sessions/current", credential=credential)
            assert answer.problem == "no-such-session"


async def test_an_unknown_address_and_a_wrong_password_look_the_same_to_a_browser(ada: Person) -> None:
    taken: dict[str, list[float]] = {ada.email: [], "nobody@example.org": []}
    said = []
    for _ in range(7):
        for each, times in taken.items():
            begun = time.perf_counter()
            answer = await ada.post("/sessions", {"email": each, "password": "wrong, I fear"})
            times.append(time.perf_counter() - begun)
            said.append((answer.status, {**answer.body, "trace_id": ""}))
    assert all(each == said[0] for each in said)
    assert said[0][0] == 401
    known, unknown = (median(times) for times in taken.values())
    assert 0.4 < unknown / known < 2.5


async def test_use_moves_the_end_on_but_never_past_the_longest(ada: Person, database: Database) -> None:
    secret = await ada.session()

    async def aged(seconds: int, ends_in: int) -> None:
        """As if the session was last used so long ago, and had to end then at the latest."""
        async with database.engine.begin() as connection:
            await connection.execute(
                text(
                    "UPDATE login SET last_used_at = now() - make_interval(secs => :seconds),"
                    " ends_at = now() + make_interval(secs => :ends_in),"
                    " expires_at = now() + make_interval(secs => 20) WHERE id = :id"
                ),
                {"seconds": seconds, "ends_in": ends_in, "id": ada.credential.removeprefix("login:")},
            )

    async def left() -> float:
        return float((await ada.verify("session", secret)).body["expires_at"]) - time.time()

    await aged(30, 500_000)
    assert await left() < 21, "less than a minute ago: not written down again"
    await aged(61, 500_000)
    assert abs(await left() - 86_400) < 60
    await aged(61, 1000)
    assert abs(await left() - 1000) < 60
    await aged(61, 20)
    async with database.engine.begin() as connection:
        await connection.execute(
            text("UPDATE login SET expires_at = now() - interval '1 second' WHERE id = :id"),
            {"id": ada.credential.removeprefix("login:")},
        )
    assert (await ada.verify("session", secret)).status == 404
    assert await ada.logins() == []


async def test_no_secret_is_logged(ada: Person, platform: Platform) -> None:
    session, tokens = await ada.session(), await ada.tokens()
    key = (await ada.call("POST", "/api-keys", {"name": "k", "scopes": ["orders:read"]})).body["key"]
    await ada.verify("session", session)
    await ada.verify("api-key", key)
    await ada.refresh(tokens["refresh_token"])
    await ada.refresh(tokens["refresh_token"])
    logs = list(platform.instance.logs.glob("*.log"))
    assert [log for log in logs if log.name == "users-1.log"]
    for log in logs:
        written = log.read_text(errors="replace")
        for secret in (session, tokens["refresh_token"], tokens["access_token"], key, key.rpartition("_")[2]):
            assert secret not in written, log


async def test_many_browsers_log_in_at_once(ada: Person) -> None:
    secrets = await asyncio.gather(*(ada.session() for _ in range(8)))
    assert len(set(secrets)) == 8
    assert len(await ada.logins()) == 8
