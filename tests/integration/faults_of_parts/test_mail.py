"""A mail server that refuses, dawdles or has no room: the order is confirmed, and its one mail comes in the end."""

import uuid

import pytest

from chaos.engine.model import Refused
from chaos.keeper.client import KeeperClient
from services.shopper import Shopper
from stormglass.testing import Platform, eventually
from tests.integration.faults_of_parts.conftest import Put, accepted
from tests.integration.faults_of_parts.shop import about, confirmed, fulfilled_once


@pytest.mark.parametrize(
    ("kind", "attributes", "arrives_meanwhile"),
    [
        ("refuse", {}, False),
        ("tarpit", {"delay": 30}, False),
        ("drop-after-data", {}, True),
        ("disk-full", {}, False),
    ],
)
def test_the_mail_arrives_once(
    platform: Platform,
    put: Put,
    shopper: Shopper,
    product: str,
    kind: str,
    attributes: dict[str, object],
    *,
    arrives_meanwhile: bool,
) -> None:
    with put("mail", kind, **attributes):
        order_id = accepted(shopper, product, uuid.uuid4().hex)
        confirmed(shopper, order_id)
        if arrives_meanwhile:
            eventually(lambda: about(platform, shopper, order_id), seconds=60, what="the mail")
        else:
            assert about(platform, shopper, order_id) == []
    fulfilled_once(platform, shopper, order_id)


def test_one_behaviour_at_a_time(platform: Platform, put: Put) -> None:
    with put("mail", "refuse"), KeeperClient(platform.instance) as keeper, pytest.raises(Refused, match="refuse"):
        keeper.add("mail", "tarpit")


def test_a_mail_server_that_is_killed_meanwhile_goes_on_refusing(platform: Platform, put: Put) -> None:
    with put("mail", "refuse") as fault, KeeperClient(platform.instance) as keeper:
        platform.run("kill", "mail")
        eventually(
            lambda: [each for each in keeper.live() if each.id == fault.id and each.restored],
            seconds=60,
            what="put back by the keeper",
        )


def test_orders_do_not_notice_that_traces_cannot_be_stored(
    platform: Platform, put: Put, shopper: Shopper, product: str
) -> None:
    with put("traces", "disk-full") as fault:
        assert "503" in fault.observation
        order_id = accepted(shopper, product, uuid.uuid4().hex)
        fulfilled_once(platform, shopper, order_id)
