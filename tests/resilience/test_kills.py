"""kill -9 of each process in turn, and of the manager: the platform comes back by itself, with every order intact."""

import json
import os
import signal
from typing import Any

import pytest

from stormglass.testing import Platform, eventually
from tests.resilience.books import sold, stock_is_conserved, units_in_confirmed_orders
from tests.resilience.customers import Customers

VICTIMS = (
    "edge",
    "gateway-1",
    "users-1",
    "products-1",
    "orders-2",
    "worker-1",
    "redis",
    "postgres",
    "mail",
    "traces",
    "keeper",
)


def _status(platform: Platform) -> dict[str, dict[str, Any]]:
    # exit code 3 says that not everything is up, which is what these tests wait for
    report = json.loads(platform.run("status", "--json", check=False))
    return {row["replica"]: row for row in report["rows"]}


def _all_ready(platform: Platform) -> bool:
    rows = _status(platform)
    assert all(row["ready"] for row in rows.values()), {name: row for name, row in rows.items() if not row["ready"]}
    return True


@pytest.mark.timeout(900)
def test_kill_dash_nine_of_each_process_in_turn_loses_nothing(platform: Platform) -> None:
    with Customers(platform) as customers:
        for victim in VICTIMS:
            before = _status(platform)[victim]
            seen = len(customers.acknowledged)
            platform.run("kill", victim, "--signal", "KILL")
            eventually(
                lambda victim=victim, before=before: (
                    _status(platform)[victim]["pid"]  # type: ignore[misc]  # a lambda bound to its round
                    not in {None, 0, before["pid"]}
                ),
                seconds=60,
                what=f"a new {victim}",
            )
            eventually(lambda: _all_ready(platform), seconds=90, what=f"everything ready after {victim} was killed")
            eventually(
                lambda seen=seen: len(customers.acknowledged) > seen + 2,  # type: ignore[misc]  # a lambda bound to its round
                seconds=60,
                what=f"orders are taken again after {victim} was killed",
            )
    customers.check_nothing_was_lost()
    stock_is_conserved(platform)
    ours = [goods["id"] for goods in customers.goods]
    assert sold(platform, ours) == units_in_confirmed_orders(platform, ours) == len(customers.acknowledged)


@pytest.mark.timeout(600)
def test_the_platform_comes_back_by_itself_when_its_manager_is_killed(platform: Platform) -> None:
    with Customers(platform) as customers:
        before = _status(platform)
        eventually(lambda: len(customers.acknowledged) > 2, what="orders before the manager is killed")
        os.kill(before["manager"]["pid"], signal.SIGKILL)
        eventually(
            lambda: _status(platform)["manager"]["pid"] not in {None, 0, before["manager"]["pid"]},
            seconds=120,
            what="a new manager",
        )
        eventually(lambda: _all_ready(platform), seconds=120, what="everything ready again")
        seen = len(customers.acknowledged)
        eventually(lambda: len(customers.acknowledged) > seen + 2, seconds=60, what="orders are taken again")
    customers.check_nothing_was_lost()
    stock_is_conserved(platform)
