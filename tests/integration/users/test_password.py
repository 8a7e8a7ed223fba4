"""Changing the password: it takes the old one, and ends every log-in but the one it is done with."""

import asyncio

from redis.asyncio import Redis

from stormglass.security import revocation
from tests.integration.products.client import Answer, Client
from tests.integration.users.person import SCOPES, Person

NEW = "the wind has turned"


async def change(ada: Person, current: str, new: str = NEW) -> Answer:
    return await ada.call("POST", "/users/me/password", {"current_password": current, "new_password": new})


async def test_every_other_log_in_ends(ada: Person, redis: Redis) -> None:
    elsewhere = await ada.session()
    other = ada.credential
    tokens = await ada.tokens()
    here = await ada.session()
    changed = await change(ada, ada.password)
    assert (changed.status, changed.raw) == (204, b"")
    assert (await ada.verify("session", elsewhere)).status == 404
    assert (await ada.refresh(tokens["refresh_token"])).status == 401
    assert (await ada.verify("session", here)).status == 200
    assert await redis.exists(revocation.key_of(other))
    assert not await redis.exists(revocation.key_of(ada.credential))
    assert len(await ada.logins()) == 1
    old = await ada.post("/tokens", {"email": ada.email, "password": ada.password})
    assert (old.status, old.problem) == (401, "invalid-credentials")
    ada.password = NEW
    assert await ada.tokens()


async def test_a_wrong_password_changes_nothing(ada: Person) -> None:
    elsewhere = await ada.session()
    await ada.session()
    refused = await change(ada, "wrong, I fear")
    assert (refused.status, refused.problem) == (403, "wrong-password")
    assert (await ada.verify("session", elsewhere)).status == 200
    assert await ada.tokens()


async def test_of_changes_at_once_one_succeeds(ada: Person) -> None:
    answers = await asyncio.gather(*(change(ada, ada.password, f"{NEW} {number}") for number in range(4)))
    assert sorted(answer.status for answer in answers) == [204, 403, 403, 403]
    ada.password = f"{NEW} {[answer.status for answer in answers].index(204)}"
    assert await ada.tokens()


async def test_no_log_in_with_the_old_password_outlives_its_change(ada: Person) -> None:
    await ada.session()
    credentials = {"email": ada.email, "password": ada.password}
    racing = [asyncio.create_task(ada.post("/sessions", credentials)) for _ in range(6)]
    changed = await change(ada, ada.password)
    answers = await asyncio.gather(*racing)
    assert changed.status == 204
    # each came before the change and was ended by it, or after it and was refused
    assert {answer.status for answer in answers} <= {201, 401}
    assert [each["current"] for each in await ada.logins()] == [True]


async def test_who_may_change_it(ada: Person, users: Client) -> None:
    body = {"current_password": ada.password, "new_password": NEW}
    path = "/users/me/password"
    assert (await users.call("POST", path, body)).status == 401
    without = tuple(scope for scope in SCOPES if scope != "account")
    assert (await users.call("POST", path, body, who=(ada.id, without))).status == 403
    short = {**body, "new_password": "short"}
    assert (await ada.call("POST", path, short)).problem == "invalid-request"
    assert await ada.tokens()
