"""Canaries through the real balancer: shares are as asked for, a named replica answers, and nobody else may ask."""

import math
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from services.shopper import Shopper
from stormglass.testing import Platform, eventually
from stormglass.testing.handle import CommandFailed
from tests.goods import log_in

HEADER = "X-Stormglass-Canary"
_REQUESTS = re.compile(r'^traefik_service_requests_total\{[^}]*service="([^"@]+)@file"[^}]*\} (\S+)', re.MULTILINE)


@pytest.fixture(autouse=True)
def no_canary(platform: Platform) -> Iterator[None]:
    yield
    platform.run("canary", "clear")


@pytest.fixture
def administrator(platform: Platform) -> Iterator[Shopper]:
    password = platform.secret("users", "admin_password")
    with Shopper(platform.base_url, email="admin@stormglass.local", password=password) as admin:
        log_in(admin)
        yield admin


def _counts(platform: Platform) -> Counter[str]:
    """Requests that the balancer has sent to each replica so far."""
    counts: Counter[str] = Counter()
    metrics = httpx.get(f"http://{platform.address('edge:admin')}/metrics", timeout=15).text
    for replica, value in _REQUESTS.findall(metrics):
        counts[replica] += int(float(value))
    return counts


@contextmanager
def _counted(platform: Platform) -> Iterator[Counter[str]]:
    """How many requests each replica got during the block; filled in at its end."""
    before = _counts(platform)
    sent: Counter[str] = Counter()
    yield sent
    sent.update(_counts(platform) - before)


def _ask(url: str, count: int) -> None:
    with httpx.Client(timeout=15) as http:
        for _ in range(count):
            assert http.get(url).status_code < 500


def _is_a_sample_of(share: float, seen: int, count: int) -> bool:
    """Whether a binomial variable would be this far off once in 15,000 times at most (four standard deviations)."""
    return abs(seen - share * count) <= 4 * math.sqrt(count * share * (1 - share))


@pytest.mark.parametrize(
    ("replica", "percent", "label", "path"),
    [("products-2", 5, "internal", "/products?limit=1"), ("gateway-2", 20, "edge", "/nothing-here")],
)
def test_a_canary_gets_its_share(platform: Platform, replica: str, percent: int, label: str, path: str) -> None:
    count = 600
    reported = platform.json("canary", replica, "--weight", str(percent))
    assert reported["canaries"] == {replica: percent}
    process = replica.partition("-")[0]
    with _counted(platform) as sent:
        _ask(f"http://{platform.address(label)}{path}", count)
    assert sent[f"{process}-1"] + sent[f"{process}-2"] == count
    assert _is_a_sample_of(percent / 100, sent[replica], count), sent
    rows = {row["replica"]: row["canary"] for row in platform.json("status")["rows"]}
    assert rows[replica] == percent
    assert rows[f"{process}-1"] is None
    assert platform.json("canary", "clear", process)["cleared"] == [replica]
    with _counted(platform) as sent:
        _ask(f"http://{platform.address(label)}{path}", 100)
    assert sent[replica] == pytest.approx(50, abs=2), "in turn again"


@pytest.mark.parametrize("percent", [0, 100])
def test_all_or_nothing(platform: Platform, percent: int) -> None:
    platform.run("canary", "products-1", "--weight", str(percent))
    with _counted(platform) as sent:
        _ask(f"http://{platform.address('internal')}/products?limit=1", 100)
    assert sent["products-1"] == percent
    assert sent["products-2"] == 100 - percent


def test_changing_shares_costs_nobody_a_request(platform: Platform) -> None:
    stop = threading.Event()
    answers: Counter[int] = Counter()

    def ask() -> None:
        with httpx.Client(base_url=f"http://{platform.address('internal')}", timeout=15) as http:
            while not stop.wait(0.01):
                try:
                    answers[http.get("/products?limit=1").status_code] += 1
                except httpx.HTTPError:
                    answers[0] += 1

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for percent in (5, 50, 100, 0):
            platform.run("canary", "products-2", "--weight", str(percent))
        platform.run("canary", "clear")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert answers.keys() == {200}, answers
    assert answers[200] > 100


def test_a_replica_that_an_administrator_names_answers(platform: Platform, administrator: Shopper) -> None:
    platform.run("canary", "products-2", "--weight", "0")
    for replica in ("products-1", "products-2"):
        with _counted(platform) as sent:
            for _ in range(15):
                administrator.request("GET", "/products", params={"limit": 1}, headers={HEADER: f"{replica}, orders-2"})
        assert {name: sent[name] for name in ("products-1", "products-2")} == {
            "products-1": 0,
            "products-2": 0,
            replica: 15,
        }


def test_a_name_that_fits_nobody_is_an_error_and_not_somebody_else(platform: Platform, administrator: Shopper) -> None:
    problem = administrator.request("GET", "/orders", headers={HEADER: "orders-7"}, expect=(400,))
    assert problem["type"].endswith("no-such-replica")
    administrator.request("GET", "/orders", headers={HEADER: "orders-6"}, expect=(502, 503))
    administrator.request("GET", "/orders", headers={HEADER: "products-1"}, expect=(200,))


def test_of_anybody_else_the_header_goes_no_further(platform: Platform) -> None:
    def customer() -> Shopper:
        somebody = Shopper(platform.base_url)
        somebody.request("GET", "/products", params={"limit": 3}, headers={HEADER: "no such thing"})
        somebody.register()
        somebody.log_in()
        return somebody

    # all who are anonymous share one quota, and nobody repeats a POST: whoever was refused comes as somebody else
    with eventually(customer, seconds=90, every=1.0, what="a customer") as shopper, _counted(platform) as sent:
        for _ in range(20):
            shopper.request("GET", "/orders", headers={HEADER: "orders-2"})
    assert sent["orders-1"] == sent["orders-2"] == 10


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("products-3", "--weight", "5"), "there is no process 'products-3'"),
        (("products", "--weight", "5"), "products is not one replica"),
        (("users-1", "--weight", "5"), "users has one replica only"),
        (("worker-1", "--weight", "5"), "no balancer stands in front of worker"),
        (("products-2", "--weight", "101"), "101"),
        (("products-2",), "canary REPLICA --weight PERCENT"),
    ],
)
def test_what_cannot_be_had_is_refused(platform: Platform, arguments: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(CommandFailed, match=re.escape(complaint)):
        platform.run("canary", *arguments)
    assert platform.json("canary", "list")["canaries"] == {}
