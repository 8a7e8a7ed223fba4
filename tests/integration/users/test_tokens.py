"""Refresh tokens: rotated at every use, good once, and the end of their log-in when used twice."""

import asyncio
import time

import pytest
from redis.asyncio import Redis

from stormglass.security import revocation, tokens
from tests.integration.products.client import Answer
from tests.integration.users.person import Person


def refused(answer: Answer) -> None:
    assert (answer.status, answer.problem) == (401, "invalid-refresh-token")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.body["detail"] == "the refresh token is not valid: log in"


async def login_id(ada: Person, access_token: str) -> str:
    keys = tokens.public_keys((await ada.users.call("GET", "/.well-known/jwks.json")).body)
    return tokens.verify(access_token, keys[tokens.key_id_of(access_token)]).login_id


async def test_a_refresh_token_gets_new_tokens_of_the_same_log_in(ada: Person) -> None:
    first = await ada.tokens()
    answer = await ada.refresh(first["refresh_token"])
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    second = answer.body
    assert set(second) == set(first)
    assert second["token_type"] == "Bearer"
    assert second["expires_in"] == first["expires_in"] == 900
    assert second["scope"] == first["scope"]
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    assert await login_id(ada, second["access_token"]) == await login_id(ada, first["access_token"])
    assert (await ada.refresh(second["refresh_token"])).status == 200


async def test_a_refresh_token_that_is_used_twice_ends_the_log_in(ada: Person, redis: Redis) -> None:
    first = await ada.tokens()
    other = await ada.tokens()
    second = (await ada.refresh(first["refresh_token"])).body
    login = await login_id(ada, first["access_token"])
    assert not await redis.exists(revocation.key_of(f"login:{login}"))
    refused(await ada.refresh(first["refresh_token"]))
    refused(await ada.refresh(second["refresh_token"]))
    left = await redis.ttl(revocation.key_of(f"login:{login}"))
    assert 900 < left <= revocation.SECONDS
    assert login not in {each["id"] for each in await ada.logins()}
    assert (await ada.refresh(other["refresh_token"])).status == 200, "another log-in goes on"


@pytest.mark.parametrize("at_once", [2, 12])
async def test_of_many_uses_at_once_one_wins_and_the_log_in_ends(ada: Person, redis: Redis, at_once: int) -> None:
    first = await ada.tokens()
    answers = await asyncio.gather(*(ada.refresh(first["refresh_token"]) for _ in range(at_once)))
    won = [answer for answer in answers if answer.status == 200]
    assert len(won) == 1
    for answer in answers:
        if answer.status != 200:
            refused(answer)
    refused(await ada.refresh(won[0].body["refresh_token"]))
    assert await redis.exists(revocation.key_of(f"login:{await login_id(ada, first['access_token'])}"))
    assert await ada.logins() == []


async def test_an_unknown_refresh_token_is_refused_like_a_used_one(ada: Person) -> None:
    for made_up in ("x", "A" * 43, "nul\x00"):
        refused(await ada.refresh(made_up))


async def test_logging_out_ends_the_log_in_and_says_nothing_about_other_tokens(ada: Person, redis: Redis) -> None:
    first = await ada.tokens()
    second = (await ada.refresh(first["refresh_token"])).body
    login = await login_id(ada, first["access_token"])
    for token in ("unknown", second["refresh_token"], second["refresh_token"], first["refresh_token"]):
        answer = await ada.post("/tokens/revoke", {"refresh_token": token})
        assert (answer.status, answer.raw) == (204, b"")
    assert await redis.exists(revocation.key_of(f"login:{login}"))
    refused(await ada.refresh(second["refresh_token"]))


async def test_a_log_in_is_listed_with_the_time_of_its_last_refresh(ada: Person) -> None:
    first = await ada.tokens()
    ada.credential = f"login:{await login_id(ada, first['access_token'])}"
    (before,) = await ada.logins()
    assert (before["kind"], before["current"]) == ("token", True)
    assert (await ada.refresh(first["refresh_token"])).status == 200
    (after,) = await ada.logins()
    assert after["last_used_at"] > before["last_used_at"]
    assert after["expires_at"] > before["expires_at"]
    assert after["created_at"] == before["created_at"]
    assert time.time() + first["refresh_expires_in"] > time.time() + 6 * 86_400
