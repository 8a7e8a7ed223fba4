import asyncio
import json
from typing import Any

import pytest

from services.gateway.exchange import Exchange
from services.gateway.openapi import published
from services.gateway.openapi.published import FRESH_SECONDS, RETRY_SECONDS, Published
from services.gateway.route import Route
from services.gateway.whole import Whole
from stormglass.service import Problem

ROUTES = [Route(("GET",), "/orders", "orders"), Route(("GET",), "/products", "products")]
EXCHANGE = Exchange("GET", [], "10.0.0.1")


def described(path: str, summary: str) -> bytes:
    operation = {"summary": summary, "responses": {"200": {"description": "x"}}}
    return json.dumps({"openapi": "3.1.0", "paths": {path: {"get": operation}}, "components": {}}).encode()


class Services:
    """What `Forwarder.whole()` would bring, and how often it was asked."""

    def __init__(self) -> None:
        self.answers = {
            "orders": Whole(200, [], described("/orders", "one")),
            "products": Whole(200, [], described("/products", "one")),
        }
        self.down: set[str] = set()
        self.asked = 0

    async def whole(self, _exchange: Exchange, route: Route, _call: Any, *, limit: int) -> Whole:
        assert limit > 100_000
        self.asked += 1
        await asyncio.sleep(0)
        if route.upstream in self.down:
            raise Problem(503, "upstream-unreachable", "gone")
        return self.answers[route.upstream]


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(published, "time", clock)
    return clock


def summary(whole: Whole, path: str) -> str:
    return str(json.loads(whole.body)["paths"][path]["get"]["summary"])


async def test_it_is_made_once_and_again_after_a_while(clock: Clock) -> None:
    services = Services()
    document = Published(services, ROUTES)  # type: ignore[arg-type]  # as much of a Forwarder as is used
    first = await asyncio.gather(*(document(EXCHANGE) for _ in range(5)))
    assert services.asked == 2
    services.answers["orders"] = Whole(200, [], described("/orders", "two"))
    clock.now += FRESH_SECONDS - 1
    assert await document(EXCHANGE) is first[0]
    clock.now += 2
    second = await document(EXCHANGE)
    assert summary(second, "/orders") == "two"
    assert second.value(b"etag") != first[0].value(b"etag")


@pytest.mark.parametrize("broken", [None, Whole(503, [], b'{"status": 503}'), Whole(200, [], b"<html>")])
async def test_the_last_good_one_stays(clock: Clock, broken: Whole | None) -> None:
    services = Services()
    document = Published(services, ROUTES)  # type: ignore[arg-type]  # as much of a Forwarder as is used
    first = await document(EXCHANGE)
    clock.now += FRESH_SECONDS + 1
    services.answers["products"] = Whole(200, [], described("/products", "two"))
    good = services.answers["orders"]
    if broken is None:
        services.down.add("orders")
    else:
        services.answers["orders"] = broken
    partly = await document(EXCHANGE)
    assert (summary(partly, "/orders"), summary(partly, "/products")) == ("one", "two")
    assert first.value(b"etag") != partly.value(b"etag")
    asked = services.asked
    clock.now += RETRY_SECONDS / 2
    await document(EXCHANGE)
    assert services.asked == asked, "a service that has none to give is left alone for a while"
    services.down.clear()
    services.answers["orders"] = good
    clock.now += RETRY_SECONDS
    await document(EXCHANGE)
    assert services.asked == asked + 2


async def test_a_service_that_was_never_heard_of(clock: Clock) -> None:
    services = Services()
    services.down.add("orders")
    document = Published(services, ROUTES)  # type: ignore[arg-type]  # as much of a Forwarder as is used
    with pytest.raises(Problem) as caught:
        await document(EXCHANGE)
    assert (caught.value.status, caught.value.kind) == (503, "document-unavailable")
    assert "orders" in caught.value.detail
    services.down.clear()
    assert (await document(EXCHANGE)).status == 200
