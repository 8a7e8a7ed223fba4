"""Scaling a real service: the balancer and the metrics follow, requests go on."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from stormglass.runtime.probe import http_get, http_json
from stormglass.testing import eventually
from tests.integration.runtime.conftest import bench


@pytest.fixture(scope="module")
def gateways() -> Iterator[Any]:
    with bench("scaled", offset=1500) as made:
        made.up("edge,gateway,users,keeper")
        yield made


def _up_in_the_balancer(bench: Any) -> set[str]:
    services = asyncio.run(http_json(bench.instance.endpoint("edge:admin"), "/api/http/services?per_page=1000"))
    return {
        service["name"].partition("@")[0]
        for service in services
        if "UP" in service.get("serverStatus", {}).values() and service["name"].startswith("gateway-")
    }


def _until_up_in_the_balancer(bench: Any, *names: str) -> None:
    # one check that takes longer than a second takes a healthy replica out until the next
    eventually(
        lambda: _up_in_the_balancer(bench) == set(names), what=f"{', '.join(names)} and nobody else get requests"
    )


def test_more_and_fewer_replicas_get_requests(gateways: Any) -> None:
    _until_up_in_the_balancer(gateways, "gateway-1", "gateway-2")
    gateways.run("scale", "gateway", "3")
    _until_up_in_the_balancer(gateways, "gateway-1", "gateway-2", "gateway-3")
    assert gateways.row("gateway-3")["ready"]
    targets = json.loads((gateways.instance.config / "targets.json").read_text())
    assert "gateway-3" in {target["labels"]["replica"] for target in targets}

    gateways.run("scale", "gateway", "1")
    _until_up_in_the_balancer(gateways, "gateway-1")
    assert [row["replica"] for row in gateways.status()["rows"] if row["process"] == "gateway"] == ["gateway-1"]
    gateways.run("scale", "gateway", "2")


def test_no_request_fails_while_it_is_scaled_or_restarted(gateways: Any) -> None:
    async def load() -> Counter[int]:
        seen: Counter[int] = Counter()
        stop = asyncio.Event()

        async def client() -> None:
            while not stop.is_set():
                # there is no such route: the gateway itself answers, which is all that is asked here
                status, _ = await http_get(gateways.instance.endpoint("edge"), "/no-such-route")
                seen[status] += 1
                await asyncio.sleep(0.01)

        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(client())
            for command in (("scale", "gateway", "3"), ("restart", "gateway"), ("scale", "gateway", "2")):
                await asyncio.to_thread(gateways.run, *command)
            stop.set()
        return seen

    seen = asyncio.run(load())
    assert set(seen) == {404}, seen
    assert seen[404] > 100


def test_what_cannot_be_scaled_says_why(gateways: Any) -> None:
    _, err = gateways.run("scale", "postgres", "2", code=1)
    assert "one place" in err
    _, err = gateways.run("scale", "gateway", "7", code=1)
    assert "1 to 6" in err
