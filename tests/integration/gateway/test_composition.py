"""An answer made of several services' answers, whole and in part."""

import time
import uuid
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from stormglass.security.identity import verify
from tests.integration.gateway.conftest import Issue
from tests.integration.gateway.native import Gateway, eventually
from tests.integration.gateway.pages import Page, serving
from tests.integration.gateway.standin import StandIn

KEY = SecretStr("k" * 43)


class Shop:
    """One order of three lines (two products), the products, and the buyer's profile."""

    def __init__(self) -> None:
        self.order_id = uuid.uuid4()
        self.products = [str(uuid.uuid4()), str(uuid.uuid4())]
        lines = [{"product_id": each, "quantity": 1} for each in (*self.products, self.products[0])]
        self.order = Page({"id": str(self.order_id), "items": lines}, headers={"ETag": '"order"'})
        self.goods = [Page({"id": each, "name": f"thing {number}"}) for number, each in enumerate(self.products)]
        self.profile = Page({"name": "Ada"})

    @property
    def pages(self) -> dict[str, Page]:
        goods = {f"/products/{each}": page for each, page in zip(self.products, self.goods, strict=True)}
        return {f"/orders/{self.order_id}": self.order, "/users/me": self.profile, **goods}


@pytest.fixture
def shop(standin: StandIn) -> Iterator[Shop]:
    shop = Shop()
    with serving(standin, shop.pages):
        yield shop


async def ask(
    http: aiohttp.ClientSession, gateway: Gateway, shop: Shop, headers: dict[str, str], method: str = "GET"
) -> tuple[aiohttp.ClientResponse, Any, float]:
    begun = time.monotonic()
    async with http.request(method, f"{gateway.base}/orders/{shop.order_id}/details?x=1", headers=headers) as answer:
        value = await answer.json(content_type=None) if method == "GET" else await answer.read()
        return answer, value, time.monotonic() - begun


async def test_all_of_it(
    gateway: Gateway, http: aiohttp.ClientSession, bearer: Issue, shop: Shop, standin: StandIn
) -> None:
    sent = {
        **bearer("ada"),
        "If-None-Match": '"order"',
        "Range": "bytes=0-1",
        "Accept": "text/html",
        "X-Custom": "kept",
    }
    answer, value, _ = await ask(http, gateway, shop, sent)
    assert answer.status == 200
    assert value == {
        "order": shop.order.value,
        "products": [page.value for page in shop.goods],
        "profile": shop.profile.value,
        "unavailable": [],
    }
    assert "X-Stormglass-Degraded" not in answer.headers
    assert answer.headers["Cache-Control"] == "private, no-store"
    for page in shop.pages.values():
        (asked,) = page.asked  # a product that is on two lines is asked for once
        identity = verify(asked["X-Stormglass-Identity"], KEY)
        assert identity.subject == "ada"
        assert asked["X-Custom"] == "kept"
        assert asked["Accept"] == "application/json"
        assert not {"If-None-Match", "Range", "Authorization"} & set(asked)
        assert page.targets[0].count("?") == 0
    trace = answer.headers["X-Trace-Id"]

    async def calls() -> set[str]:
        spans = [span for span in standin.spans if span.trace_id.hex() == trace and span.kind == span.SPAN_KIND_CLIENT]
        return {span.name for span in spans}

    expected = {"GET /orders/{order_id}", "GET /products/{each}", "GET /users/me"}
    assert await eventually(lambda: _equal(calls, expected))


async def _equal(found: Any, expected: set[str]) -> bool:
    return bool(await found() >= expected)


async def test_head_has_no_body(gateway: Gateway, http: aiohttp.ClientSession, bearer: Issue, shop: Shop) -> None:
    answer, value, _ = await ask(http, gateway, shop, bearer(), "HEAD")
    assert (answer.status, value) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 100


@pytest.mark.parametrize("spoiled", [Page({}, 503), Page("{"), Page("x" * 300_000), Page({}, 404)])
async def test_what_cannot_be_had_is_missing_and_named(
    gateway: Gateway, http: aiohttp.ClientSession, bearer: Issue, shop: Shop, standin: StandIn, spoiled: Page
) -> None:
    standin.pages["/users/me"] = spoiled
    before = await count(gateway)
    answer, value, _ = await ask(http, gateway, shop, bearer())
    assert answer.status == 200
    assert (value["profile"], value["unavailable"]) == (None, ["profile"])
    assert len(value["products"]) == 2
    assert answer.headers["X-Stormglass-Degraded"] == 'partial; parts="profile"'
    assert await count(gateway) == before + 1
    trace = answer.headers["X-Trace-Id"]

    async def event() -> list[str]:
        spans = [span for span in standin.spans if span.trace_id.hex() == trace]
        return [each.name for span in spans for each in span.events if each.name == "part unavailable"]

    assert await eventually(event) == ["part unavailable"]


async def count(gateway: Gateway) -> float:
    wanted = 'fallback_total{dependency="users",fallback="partial_answer"} '
    lines = [line for line in (await gateway.metrics()).splitlines() if line.startswith(wanted)]
    return float(lines[0].removeprefix(wanted)) if lines else 0.0


async def test_several_parts_are_missing(
    gateway: Gateway, http: aiohttp.ClientSession, bearer: Issue, shop: Shop
) -> None:
    shop.profile.status = shop.goods[1].status = 500
    answer, value, _ = await ask(http, gateway, shop, bearer())
    assert (value["products"], value["profile"], value["unavailable"]) == (None, None, ["products", "profile"])
    assert answer.headers["X-Stormglass-Degraded"] == 'partial; parts="products profile"'


async def test_a_product_that_no_longer_exists_is_left_out(
    gateway: Gateway, http: aiohttp.ClientSession, bearer: Issue, shop: Shop
) -> None:
    shop.goods[0].status = 404
    _, value, _ = await ask(http, gateway, shop, bearer())
    assert (value["products"], value["unavailable"]) == ([shop.goods[1].value], [])


async def test_without_the_order_there_is_nothing(
    gateway: Gateway, http: aiohttp.ClientSession, bearer: Issue, shop: Shop
) -> None:
    shop.order.value, shop.order.status = {"type": "urn:stormglass:problem:unknown-order", "status": 404}, 404
    answer, value, _ = await ask(http, gateway, shop, bearer())
    assert (answer.status, value) == (404, shop.order.value)
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert [page.asked for page in shop.goods] == [[], []]
    shop.order.value, shop.order.status = "{", 200
    answer, value, _ = await ask(http, gateway, shop, bearer())
    assert (answer.status, value["type"]) == (502, "urn:stormglass:problem:incomplete-answer")


async def test_an_order_that_takes_too_long_is_not_waited_for(
    gateway: Gateway, http: aiohttp.ClientSession, bearer: Issue, shop: Shop
) -> None:
    shop.order.seconds = 15
    answer, value, seconds = await ask(http, gateway, shop, bearer())
    assert (answer.status, value["type"]) == (504, "urn:stormglass:problem:upstream-timeout")
    assert seconds < 8


async def test_a_slow_part_does_not_hold_the_others_up(
    gateway: Gateway, http: aiohttp.ClientSession, bearer: Issue, shop: Shop
) -> None:
    shop.profile.seconds = 15
    answer, value, seconds = await ask(http, gateway, shop, bearer())
    assert (answer.status, value["unavailable"], len(value["products"])) == (200, ["profile"], 2)
    assert 0.9 < seconds < 8


async def test_a_client_can_ask_for_less_patience(
    gateway: Gateway, http: aiohttp.ClientSession, bearer: Issue, shop: Shop
) -> None:
    shop.profile.seconds = 15
    answer, value, seconds = await ask(http, gateway, shop, {**bearer(), "X-Request-Timeout-Ms": "700"})
    # it ends with what there is, or with the deadline itself, but not later
    assert answer.status in {200, 504}, value
    assert seconds < 5


async def test_parts_are_asked_for_side_by_side_but_not_all_at_once(
    gateway: Gateway, http: aiohttp.ClientSession, bearer: Issue, shop: Shop, standin: StandIn
) -> None:
    ids = [str(uuid.uuid4()) for _ in range(20)]
    page = Page({"id": "x"}, seconds=0.05)
    shop.order.value = {"items": [{"product_id": each} for each in ids]}
    with serving(standin, {f"/products/{each}": page for each in ids}):
        _, value, _ = await ask(http, gateway, shop, bearer())
    assert len(page.asked) == 20
    assert 1 < page.most_at_once <= 8
    assert value["unavailable"] in ([], ["products"])  # the latter if this machine is slower than a second


async def test_both_scopes_are_needed(gateway: Gateway, http: aiohttp.ClientSession, bearer: Issue, shop: Shop) -> None:
    answer, _, _ = await ask(http, gateway, shop, bearer(scopes=("orders:read",)))
    assert answer.status == 403
    assert shop.order.asked == []
