"""The process `faultproxy`, with either server: its proxies follow the replicas, faults are left alone."""

import os
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import psutil
import pytest

from stormglass.runtime import servers
from tests.integration.runtime.conftest import bench

HAVE = ["own", "real"] if servers.faultproxy() else ["own"]


@pytest.fixture(scope="module", params=HAVE)
def choice(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def small(choice: str) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch, bench("proxied", offset=500) as made:
        patch.setenv("STORMGLASS_FAULTPROXY", choice)
        made.up("edge,gateway,users,keeper")
        yield made


def _api(bench: Any, name: str = "") -> str:
    return f"http://{bench.instance.address('toxiproxy')}/proxies" + (f"/{quote(name)}" if name else "")


def test_it_says_what_it_is(small: Any, choice: str) -> None:
    version = small.row("faultproxy")["version"]
    assert version.startswith("Toxiproxy " if choice == "real" else "own, as Toxiproxy 2.")


def test_it_may_open_as_many_files_as_the_machine_lets_it(small: Any) -> None:
    process = psutil.Process(small.row("faultproxy")["pid"])
    if hasattr(process, "rlimit"):  # macOS has no way to ask
        soft, hard = process.rlimit(psutil.RLIMIT_NOFILE)
        assert soft == hard


def test_scaling_makes_and_removes_proxies_and_leaves_the_faults_of_others(small: Any) -> None:
    added = {"edge→gateway-3", "edge→gateway-3:admin", "prometheus→gateway-3:admin"}
    slow, cut = "gateway→redis", "prometheus→users-1:admin"
    with httpx.Client(timeout=10) as client:
        before = client.get(_api(small)).json()
        toxic = {"type": "latency", "attributes": {"latency": 1}}
        client.post(_api(small, slow) + "/toxics", json=toxic).raise_for_status()
        client.post(_api(small, cut), json={"enabled": False}).raise_for_status()
        broken = {**before, **{name: client.get(_api(small, name)).json() for name in (slow, cut)}}
        assert broken != before

        small.run("scale", "gateway", "3")
        three = client.get(_api(small)).json()
        assert {name: proxy for name, proxy in three.items() if name not in added} == broken
        assert added <= set(three)
        assert client.get(f"http://{three['edge→gateway-3:admin']['listen']}/readyz").status_code == 200
        assert small.row("faultproxy")["ready"]

        small.run("scale", "gateway", "2")
        assert client.get(_api(small)).json() == broken
        client.post(f"http://{small.instance.address('toxiproxy')}/reset").raise_for_status()


def test_up_again_makes_what_is_missing(small: Any) -> None:
    name = "gateway→redis"
    httpx.delete(_api(small, name), timeout=10).raise_for_status()
    row = small.row("faultproxy")
    assert "1 edges have no proxy: gateway→redis" in row["reason"]
    small.up("redis")
    assert name in httpx.get(_api(small), timeout=10).json()
    assert small.row("faultproxy")["pid"] == row["pid"]


def test_a_taken_proxy_port_is_reported_with_its_edge(small: Any) -> None:
    instance = small.instance
    port = instance.topology.proxy_port(instance.base_port, instance.topology.edge("gateway→redis"))
    small.run("down")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        _, err = small.up("redis", code=1)
    assert f"port {port}, wanted by the proxy gateway→redis, is held by process {os.getpid()}" in err
    assert small.remains() == []
