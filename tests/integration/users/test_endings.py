"""What has ended: Redis hears of it whatever happens, and the tables do not grow for ever."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis
from sqlalchemy import text

from services.users.store import endings
from stormglass.data.database import Database
from stormglass.security import revocation
from tests.integration.products.replica import Replica
from tests.integration.users.person import Person


async def until(condition: Callable[[], Awaitable[object]], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < end, f"not within {seconds:g} s"
        await asyncio.sleep(0.1)


async def test_a_revocation_that_redis_misses_is_said_to_be_late_and_told_again(
    ada: Person, cut_off: Replica, redis: Redis
) -> None:
    ada.address = cut_off.address
    secret = await ada.session()
    ended = await ada.call("DELETE", "/sessions/current")
    assert ended.status == 204
    assert ended.headers["X-Stormglass-Degraded"] == "revocation-delayed"
    assert (await ada.verify("session", secret)).status == 404, "whoever asks is told the truth at once"
    # the replica that has its Redis reminds it
    await until(lambda: redis.exists(revocation.key_of(ada.credential)))
    assert 900 < await redis.ttl(revocation.key_of(ada.credential)) <= revocation.SECONDS


async def test_redis_is_reminded_of_what_it_forgot(ada: Person, redis: Redis) -> None:
    await ada.session()
    key = (await ada.call("POST", "/api-keys", {"name": "k", "scopes": ["orders:read"]})).body
    credentials = [ada.credential, f"key:{key['id']}"]
    assert (await ada.call("DELETE", f"/api-keys/{key['id']}")).status == 204
    ended = await ada.call("DELETE", "/sessions")
    assert "X-Stormglass-Degraded" not in ended.headers
    keys = [revocation.key_of(credential) for credential in credentials]
    assert await redis.delete(*keys) == 2

    async def known_again() -> bool:
        return bool(await redis.exists(*keys) == 2)

    await until(known_again)


async def test_an_account_has_no_more_log_ins_than_it_may(ada: Person, cut_off: Replica) -> None:
    ada.address = cut_off.address
    first = await ada.tokens()
    second = await ada.session()
    third = await ada.session()
    first = (await ada.refresh(first["refresh_token"])).body
    fourth = await ada.session()
    assert [each["kind"] for each in await ada.logins()] == ["browser", "token", "browser"]
    assert (await ada.verify("session", second)).status == 404, "of all, it was not used for longest"
    assert (await ada.verify("session", third)).status == 200
    assert (await ada.verify("session", fourth)).status == 200
    assert (await ada.refresh(first["refresh_token"])).status == 200


async def test_what_ended_long_ago_is_deleted_and_nothing_else(ada: Person, database: Database) -> None:
    async def logged_in() -> str:
        await ada.session()
        return ada.credential.removeprefix("login:")

    async def aged(statement: str, which: str, seconds: int) -> None:
        async with database.engine.begin() as connection:
            ago = "now() - make_interval(secs => :seconds)"
            await connection.execute(text(statement.replace("AGO", ago)), {"id": which, "seconds": seconds})

    expired, revoked, just_revoked, good = [await logged_in() for _ in range(4)]
    long, short = endings.KEPT_SECONDS + 5, endings.KEPT_SECONDS - 60
    await aged("UPDATE login SET expires_at = AGO WHERE id = :id", expired, long)
    await aged("UPDATE login SET revoked_at = AGO WHERE id = :id", revoked, long)
    await aged("UPDATE login SET revoked_at = AGO WHERE id = :id", just_revoked, short)
    tokens = await ada.tokens()
    token = (await ada.refresh(tokens["refresh_token"])).body["refresh_token"]
    family = next(each["id"] for each in await ada.logins() if each["kind"] == "token")
    await aged("UPDATE refresh_token SET expires_at = AGO WHERE login_id = :id AND used_at IS NOT NULL", family, long)
    keys = [
        (await ada.call("POST", "/api-keys", {"name": name, "scopes": ["orders:read"]})).body["id"]
        for name in ("expired", "revoked", "good")
    ]
    await aged("UPDATE api_key SET expires_at = AGO WHERE id = :id", keys[0], long)
    await aged("UPDATE api_key SET revoked_at = AGO WHERE id = :id", keys[1], long)

    await endings.sweep(database)

    async def ids(query: str) -> set[str]:
        async with database.engine.connect() as connection:
            return {str(row[0]) for row in await connection.execute(text(query), {"user": ada.id})}

    assert await ids("SELECT id FROM login WHERE user_id = :user") == {just_revoked, good, family}
    assert await ids("SELECT id FROM api_key WHERE user_id = :user") == {keys[2]}
    of_family = "SELECT count(*) FROM refresh_token JOIN login ON login.id = login_id WHERE user_id = :user"
    assert await ids(of_family) == {"1"}
    assert (await ada.refresh(token)).status == 200


async def test_only_late_revocations_are_told_the_latest_first(ada: Person, database: Database) -> None:
    logins = []
    for age in (revocation.SECONDS + 60, 600, 0):
        await ada.session()
        logins.append(ada.credential)
        await ada.call("DELETE", "/sessions/current")
        async with database.engine.begin() as connection:
            await connection.execute(
                text("UPDATE login SET revoked_at = revoked_at - make_interval(secs => :age) WHERE id = :id"),
                {"age": age, "id": ada.credential.removeprefix("login:")},
            )
    told = await endings.revoked_of_late(database)
    assert [credential for credential in told if credential in logins] == [logins[2], logins[1]]
