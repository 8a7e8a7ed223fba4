"""Faults put on a whole platform by its own keeper, as the command line does it, and customers who feel them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from chaos.engine.context import Context
from chaos.engine.model import Fault, State
from chaos.keeper.client import KeeperClient
from services.shopper import ShopError, Shopper
from stormglass.testing import Platform, eventually
from tests.goods import stocked

Put = Callable[..., AbstractContextManager[Fault]]


@pytest.fixture
def put(platform: Platform) -> Iterator[Put]:
    """`with put("redis", "read-only"): …`: its effect was observed on entry, and it is gone on exit."""

    @contextmanager
    def putting(target: str, kind: str, ttl: float = 120.0, **attributes: object) -> Iterator[Fault]:
        with KeeperClient(platform.instance) as keeper:
            fault = keeper.add(target, kind, attributes, ttl=ttl)
            assert fault.state is State.ACTIVE
            assert fault.observation
            try:
                yield fault
            finally:
                keeper.clear(fault.id)
                eventually(lambda: fault.id not in {each.id for each in keeper.live()}, seconds=90, what="it is undone")

    yield putting
    with KeeperClient(platform.instance) as keeper:
        assert keeper.live() == []


@pytest.fixture
def context(platform: Platform) -> Context:
    return Context(platform.name)


@pytest.fixture
def shopper(platform: Platform) -> Iterator[Shopper]:
    """A customer of this test's own, logged in; registering repeats while the last test's damage heals."""

    def log_in() -> Shopper:
        customer = Shopper(platform.base_url)
        customer.register()
        customer.log_in()
        customer.products(limit=1)
        return customer

    with eventually(log_in, seconds=60, what="a customer") as customer:
        yield customer


@pytest.fixture
def product(shopper: Shopper, platform: Platform) -> str:
    return str(stocked(platform)[0]["id"])


def accepted(shopper: Shopper, product: str, key: str) -> str:
    """Id of an order whose request is repeated, with one key, until it is acknowledged."""

    def ask() -> str | None:
        try:
            return shopper.place([(product, 1)], idempotency_key=key).order_id
        except ShopError:
            return None

    return str(eventually(ask, seconds=60, every=0.3, what="the order is acknowledged"))
