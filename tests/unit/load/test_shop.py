"""The client against a real server, whose answers are set by the test."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from chaos.load.orders import Orders
from chaos.load.shop import Shop, Shopper

SHOPPER = Shopper("ada@example.com", "a password", 0.0, "a-token")
ORDER = "POST /place-order"
Handler = Callable[[web.Request], web.Response]


@asynccontextmanager
async def shop(handler: Handler) -> AsyncIterator[Shop]:
    async def answer(request: web.Request) -> web.Response:
        return handler(request)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with TestServer(app) as server, Shop.open(str(server.make_url("")).rstrip("/")) as client:
        yield client


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ("products; hit", "hit"),
        ("products; fwd=miss; stored", "miss"),
        ("products; fwd=stale; detail=stale-if-error", "stale"),
        ("products; fwd=bypass", "bypass"),
        ("products; fwd=miss; stored, gateway; fwd=request; fwd-status=200; stored", "miss"),
        ("products; hit, gateway; fwd=bypass; fwd-status=200; stored", "hit"),
        ("gateway; hit; ttl=3", ""),
        ("", ""),
    ],
)
async def test_what_the_cache_did_is_read_from_the_answer(header: str, word: str) -> None:
    headers = {"Cache-Status": header, "X-Stormglass-Degraded": "stale-cache"}
    async with shop(lambda _: web.json_response({}, headers=headers)) as client:
        assert (await client.ask(SHOPPER, "GET /products/{id}", "/products/1")).status == 200
    (seen,) = client.recording.samples
    assert (seen.route, seen.cache, seen.degraded, seen.error) == ("GET /products/{id}", word, "stale-cache", "")


async def test_a_failure_is_told_by_its_status_and_problem() -> None:
    problem = {"type": "urn:stormglass:problem:upstream-timeout"}
    async with shop(lambda _: web.json_response(problem, status=504)) as client:
        await client.ask(SHOPPER, "GET /orders")
    assert client.recording.kinds() == {"504 upstream-timeout": 1}


async def test_a_refusal_for_good_reason_is_no_failure() -> None:
    async with shop(lambda _: web.json_response({"type": "x:insufficient-stock"}, status=409)) as client:
        await client.ask(SHOPPER, ORDER, json={})
    assert client.recording.errors == []


async def test_nobody_listening_is_recorded() -> None:
    async with Shop.open("http://127.0.0.1:1") as client:
        assert (await client.ask(SHOPPER, "GET /orders")).status == 0
    assert client.recording.kinds() == {"ClientConnectorError": 1}


async def test_an_order_is_repeated_under_its_key_until_it_is_acknowledged() -> None:
    keys: list[str] = []

    def answer(request: web.Request) -> web.Response:
        keys.append(request.headers["Idempotency-Key"])
        return web.json_response({"id": "order-1"}, status=201) if len(keys) > 1 else web.Response(status=502)

    async with shop(answer) as client:
        orders = Orders(client)
        await orders.place(SHOPPER, ORDER, "product-1", 0.0)
    (acknowledged,) = orders.acknowledged
    assert (acknowledged.order_id, acknowledged.email, acknowledged.attempts) == ("order-1", "ada@example.com", 2)
    assert len(set(keys)) == 1


async def test_what_is_sold_out_is_not_asked_for_again() -> None:
    asked = 0

    def answer(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.json_response({"type": "urn:stormglass:problem:insufficient-stock"}, status=409)

    async with shop(answer) as client:
        orders = Orders(client)
        await orders.place(SHOPPER, ORDER, "product-1", 0.0)
    assert (asked, orders.refused, orders.acknowledged) == (1, 1, [])
