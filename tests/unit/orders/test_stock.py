"""The look at the stock: what refuses, and what never does."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from services.orders.schemas import Item
from services.orders.stock import Stock
from stormglass.data.cache import Cached, OriginFailed
from stormglass.service.client import Answer, CallFailed
from stormglass.service.problems import Problem


class Levels:
    """A cache of one entry that behaves as told."""

    def __init__(self, cached: bytes | None = None, *, stale: bool = False) -> None:
        self.cached = cached
        self.stale = stale

    async def get(self, key: str, load: Callable[[], Awaitable[bytes]]) -> Cached:
        if self.cached is not None and not self.stale:
            return Cached(self.cached, "hit", 0.5)
        try:
            return Cached(await load(), "miss", 0.0)
        except OriginFailed:
            if self.cached is None:
                raise
            return Cached(self.cached, "stale", 5.0)

    async def forget(self, *keys: str) -> None:
        self.cached = None


class Products:
    def __init__(self, answer: Answer | Exception) -> None:
        self.answer = answer
        self.calls = 0

    async def call(self, *_: Any, **__: Any) -> Answer:
        self.calls += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def _available(units: int) -> Answer:
    return Answer(200, {"available": units}, {})


FAILED = CallFailed("products", "refused")
ITEM = Item(uuid.uuid4(), 3)


async def _look(levels: Levels, products: Products) -> None:
    await Stock(products, levels).look([ITEM])  # type: ignore[arg-type]  # stand-ins with the methods that are used


@pytest.mark.parametrize(
    ("levels", "answer"),
    [
        (Levels(b"3"), FAILED),
        (Levels(), _available(3)),
        (Levels(b"0"), _available(3)),
        (Levels(), FAILED),
        (Levels(), Answer(403, None, {})),
        (Levels(b"0", stale=True), FAILED),
        (Levels(b"0"), FAILED),
    ],
    ids=["cached", "asked", "out of date", "no answer", "refused", "stale", "out of date and no answer"],
)
async def test_passes(levels: Levels, answer: Answer | Exception) -> None:
    await _look(levels, Products(answer))


@pytest.mark.parametrize("answer", [_available(2), Answer(404, None, {})])
@pytest.mark.parametrize("cached", [None, b"2"])
async def test_refuses_only_by_a_fresh_answer(cached: bytes | None, answer: Answer) -> None:
    products = Products(answer)
    with pytest.raises(Problem) as refused:
        await _look(Levels(cached), products)
    assert (refused.value.status, refused.value.kind) == (409, "insufficient-stock")
    assert refused.value.extra["products"][0]["requested"] == 3
    assert products.calls == 1


async def test_what_products_says_about_the_order_is_passed_on() -> None:
    body = {"type": "urn:stormglass:problem:insufficient-stock", "detail": "too few", "status": 409, "products": [1]}
    stock = Stock(Products(Answer(409, body, {})), Levels())  # type: ignore[arg-type]  # stand-ins
    with pytest.raises(Problem) as refused:
        await stock.reserve(uuid.uuid4(), [ITEM])
    assert (refused.value.kind, refused.value.detail) == ("insufficient-stock", "too few")
    assert refused.value.extra == {"products": [1]}


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_what_products_says_about_us_is_our_failure(status: int) -> None:
    stock = Stock(Products(Answer(status, {}, {})), Levels())  # type: ignore[arg-type]  # stand-ins
    with pytest.raises(CallFailed):
        await stock.reserve(uuid.uuid4(), [ITEM])


async def _events(work: Awaitable[None]) -> list[str]:
    with TracerProvider().get_tracer(__name__).start_as_current_span("an order") as span:
        await work
    assert isinstance(span, ReadableSpan)
    return [event.name for event in span.events]


async def test_what_is_done_instead_is_an_event_on_the_orders_span() -> None:
    stock = Stock(Products(FAILED), Levels())  # type: ignore[arg-type]  # as above
    assert await _events(stock.look([ITEM])) == ["stock not looked at"]
    assert await _events(stock.release(uuid.uuid4())) == ["reservation left to expire"]
    assert await _events(Stock(Products(_available(3)), Levels()).look([ITEM])) == []  # type: ignore[arg-type]  # as above
