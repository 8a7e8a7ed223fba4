"""The command line's customer against a real server, whose answers are set by the test."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.test_utils import TestServer

from services.shopper import RENEW_SECONDS, Shopper

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Users:
    """Logs everybody in; `lifetime` is what its tokens have left."""

    def __init__(self, lifetime: float, *, refreshes: bool = True) -> None:
        self.lifetime = lifetime
        self.refreshes = refreshes
        self.issued = 0
        self.seen: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append(f"{request.path} {request.headers.get('Authorization', '-')}")
        if request.path == "/tokens/refresh":
            assert (await request.json())["refresh_token"] == f"r{self.issued}"
            if not self.refreshes:
                return web.json_response({"detail": "log in"}, status=401)
        if request.path.startswith("/tokens"):
            self.issued += 1
            answer = {"access_token": f"a{self.issued}", "refresh_token": f"r{self.issued}"}
            return web.json_response({**answer, "expires_in": self.lifetime})
        return web.json_response({"id": "order"})


async def asks_twice(users: Users) -> list[str]:
    """What arrives when somebody logs in and then asks for two orders."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", users.answer)
    async with TestServer(app) as server:

        def ask() -> None:
            with Shopper(str(server.make_url("")).rstrip("/")) as shopper:
                shopper.log_in()
                for _ in range(2):
                    shopper.order("1")

        await asyncio.to_thread(ask)
    return users.seen


async def test_a_token_that_lasts_is_used_again() -> None:
    assert await asks_twice(Users(RENEW_SECONDS + 30)) == ["/tokens -", "/orders/1 Bearer a1", "/orders/1 Bearer a1"]


async def test_a_token_that_is_about_to_end_is_refreshed() -> None:
    assert await asks_twice(Users(RENEW_SECONDS - 1)) == [
        "/tokens -",
        "/tokens/refresh -",
        "/orders/1 Bearer a2",
        "/tokens/refresh -",
        "/orders/1 Bearer a3",
    ]


async def test_where_refreshing_is_refused_the_customer_logs_in_again() -> None:
    assert await asks_twice(Users(RENEW_SECONDS - 1, refreshes=False)) == [
        "/tokens -",
        "/tokens/refresh -",
        "/tokens -",
        "/orders/1 Bearer a2",
        "/tokens/refresh -",
        "/tokens -",
        "/orders/1 Bearer a3",
    ]
