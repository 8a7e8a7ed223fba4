"""Who the load is: against a real server, which knows some shoppers and not others."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from chaos.load import shoppers
from chaos.load.shop import Shop, Shopper
from chaos.load.shoppers import RENEW_SECONDS, prepare, stay_logged_in
from stormglass.runtime.instance import Instance


class Users:
    """A users service in small: accounts, and the tokens it issued."""

    def __init__(self) -> None:
        self.passwords: dict[str, str] = {}
        self.tokens: set[str] = set()
        self.log_ins = 0
        self.away = False

    async def answer(self, request: web.Request) -> web.Response:
        if self.away:
            return web.Response(status=503)
        if request.path == "/users/me":
            known = request.headers["Authorization"].removeprefix("Bearer ") in self.tokens
            return web.json_response({}, status=200 if known else 401)
        body = await request.json()
        if request.path == "/users":
            self.passwords[body["email"]] = body["password"]
            return web.json_response({}, status=201)
        if self.passwords.get(body["email"]) != body["password"]:
            return web.json_response({}, status=401)
        self.log_ins += 1
        self.tokens.add(f"token-{self.log_ins}")
        return web.json_response({"access_token": f"token-{self.log_ins}", "expires_in": 900})


@asynccontextmanager
async def shop(users: Users) -> AsyncIterator[Shop]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", users.answer)
    async with TestServer(app) as server, Shop.open(str(server.make_url("")).rstrip("/")) as client:
        yield client


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return cast("Instance", SimpleNamespace(run=tmp_path))


def written(instance: Instance) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads((instance.run / "load-shoppers.json").read_text())
    return read


def age(instance: Instance, left: float) -> None:
    """As if all of them had so many seconds left."""
    aged = [{**each, "expires": time.time() + left} for each in written(instance)]
    (instance.run / "load-shoppers.json").write_text(json.dumps(aged))


async def test_shoppers_are_used_again_while_their_tokens_last(instance: Instance) -> None:
    users = Users()
    async with shop(users) as client:
        first = await prepare(client, instance, 3)
        assert await prepare(client, instance, 3) == first
        assert len(await prepare(client, instance, 5)) == 5
    assert (len(users.passwords), users.log_ins) == (5, 5)
    assert [each["email"] for each in written(instance)][:3] == [shopper.email for shopper in first]


async def test_shoppers_whose_tokens_have_ended_log_in_again(instance: Instance) -> None:
    users = Users()
    async with shop(users) as client:
        first = await prepare(client, instance, 3)
        age(instance, RENEW_SECONDS - 1)
        again = await prepare(client, instance, 3)
    assert [shopper.email for shopper in again] == [shopper.email for shopper in first]
    assert {shopper.token for shopper in again} == {"token-4", "token-5", "token-6"}
    assert len(users.passwords) == 3


@pytest.mark.parametrize("left", [800, 10])
async def test_shoppers_of_another_database_are_forgotten(instance: Instance, left: float) -> None:
    before, after = Users(), Users()
    async with shop(before) as client:
        first = await prepare(client, instance, 3)
    age(instance, left)
    async with shop(after) as client:
        again = await prepare(client, instance, 3)
    assert not {shopper.email for shopper in again} & {shopper.email for shopper in first}
    assert len(after.passwords) == 3


async def test_whose_token_is_about_to_end_logs_in_again_while_the_load_lasts(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shoppers, "_BETWEEN_SECONDS", 0.01)
    users = Users()
    async with shop(users) as client:
        people = await prepare(client, instance, 3)
        lasting, *others = people
        people[1:] = [Shopper(**{**asdict(each), "expires": time.time() + 10}) for each in others]
        users.away = True
        staying = asyncio.create_task(stay_logged_in(client, people))
        await asyncio.sleep(0.2)
        assert not staying.done(), "an outage of log-ins ends nothing"
        users.away = False
        async with asyncio.timeout(20):
            while users.log_ins < 5:  # noqa: ASYNC110 - the server is told of log-ins by their number only
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        staying.cancel()
    assert users.log_ins == 5, "those that last are left alone"
    assert people[0] == lasting
    assert {shopper.token for shopper in people[1:]} == {"token-4", "token-5"}
