"""Every edge leads through its own fault proxy, nothing leads past one, and a killed proxy server costs a second."""

import os
import re
import signal
import subprocess
import sys
import time

import httpx
import psutil

from stormglass.graph import OUTSIDE
from stormglass.runtime import leftovers
from stormglass.runtime.instance import Instance
from stormglass.testing import Platform, eventually
from tests.integration.runtime.conftest import bench


def _running(instance: Instance) -> dict[str, list[psutil.Process]]:
    """The processes of an instance by their name in the topology."""
    found: dict[str, list[psutil.Process]] = {}
    for process in leftovers.find(instance):
        found.setdefault(process.environ()["STORMGLASS_SERVICE"], []).append(process)
    return found


def _connected(processes: list[psutil.Process]) -> set[int]:
    """The ports that these processes are connected to as clients."""
    ports = set()
    for process in processes:
        connections = process.net_connections(kind="tcp")
        listening = {c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN}
        ports |= {c.raddr.port for c in connections if c.raddr and c.laddr.port not in listening}
    return ports


def _moved(instance: Instance) -> set[str]:
    """The proxies that took bytes from their clients; the real server counts a connection when it ends."""
    text = httpx.get(f"http://{instance.address('toxiproxy')}/metrics", timeout=10).raise_for_status().text
    samples = re.findall(r"^toxiproxy_proxy_received_bytes_total\{(.*)\} (\S+)$", text, re.MULTILINE)
    assert samples
    return {
        re.findall(r'proxy="([^"]+)"', labels)[0]
        for labels, value in samples
        if 'direction="upstream"' in labels and float(value) > 0
    }


def _leave_a_mail_in_doubt(platform: Platform) -> None:
    """The worker asks the mail server what it has only where it cannot know whether it sent a mail."""
    proxy = f"http://{platform.address('toxiproxy')}/proxies/worker→mail"
    order = [sys.executable, "-m", "stormglass.cli.main", "--instance", platform.name, "order"]
    httpx.post(proxy, json={"enabled": False}, timeout=10).raise_for_status()
    with subprocess.Popen(order, stdout=subprocess.PIPE, text=True) as ordering:
        try:
            eventually(lambda: _failed_mails(platform) > 0, seconds=60, what="a worker notices that it cannot send")
        finally:
            httpx.post(proxy, json={"enabled": True}, timeout=10).raise_for_status()
        out, _ = ordering.communicate(timeout=120)
    assert "mail arrived" in out


def _failed_mails(platform: Platform) -> float:
    texts = [httpx.get(f"http://{platform.address('worker:admin', n)}/metrics", timeout=10).text for n in (1, 2)]
    return sum(float(n) for text in texts for n in re.findall(r'mail_total{outcome="failed"} (\S+)', text))


def test_every_edge_of_a_busy_platform_is_used_through_its_proxy_and_none_is_passed_by(platform: Platform) -> None:
    instance = platform.instance
    running = _running(instance)
    clients = {name: processes for name, processes in running.items() if name not in {"faultproxy", "manager"}}
    serving = {instance.port(edge.label, edge.replica) for edge in instance.edges()}
    edges = [edge for edge in instance.edges() if edge.process in running or edge.process == OUTSIDE]
    proxy_port = {edge.name: instance.topology.proxy_port(instance.base_port, edge) for edge in edges}
    outside = instance.edge_address(instance.topology.edge("client→edge"))
    seen: set[str] = set()
    passed_by: set[tuple[str, int]] = set()

    def all_are_used() -> bool:
        platform.run("order")
        fresh = {"Cache-Control": "no-cache"}  # the gateways' cache would keep it from the edges behind them
        httpx.get(f"http://{outside}/products", headers=fresh, timeout=10).raise_for_status()
        connected = {name: _connected(processes) for name, processes in clients.items()}
        passed_by.update((name, port) for name, ports in connected.items() for port in ports & serving)
        seen.update(e.name for e in edges if proxy_port[e.name] in connected.get(e.process, ()))
        seen.update(_moved(instance))
        assert set(proxy_port) == seen, f"not used: {sorted(set(proxy_port) - seen)}"
        return True

    _leave_a_mail_in_doubt(platform)
    eventually(all_are_used, seconds=90, every=0.5)
    assert not passed_by, "connected to a server and not to its proxy"
    assert len(seen) == len(edges) > 40
    assert _connected(running["faultproxy"]) & serving, "it is the proxy that is connected to the servers"


def test_orders_are_taken_again_after_the_proxy_server_was_killed(platform: Platform) -> None:
    api = f"http://{platform.address('toxiproxy')}/proxies"
    proxies = httpx.get(api, timeout=10).json()
    before = {row["replica"]: row for row in platform.json("status")["rows"]}
    os.kill(before["faultproxy"]["pid"], signal.SIGKILL)
    since = time.monotonic()
    eventually(lambda: httpx.get(api, timeout=1).json() == proxies, seconds=30, every=0.02, what="all proxies are back")
    back = time.monotonic() - since
    # the command waits for the worker and for the mail as well
    eventually(lambda: "mail arrived" in platform.run("order"), seconds=60, every=0.1)
    eventually(lambda: platform.json("status")["state"] == "up", seconds=60)
    after = {row["replica"]: row for row in platform.json("status")["rows"]}
    changed = {name for name, row in after.items() if row["pid"] != before[name]["pid"]}
    assert changed == {"faultproxy"}, "everybody else has recovered by itself"
    assert back < 20, f"{back:.2f} s"


def test_without_proxies_nothing_listens_on_their_ports_and_clients_reach_the_servers() -> None:
    with bench("straight", offset=500) as direct:
        direct.up("edge,gateway,users", "--direct")
        instance = direct.instance
        running = _running(instance)
        assert set(running) == {"edge", "gateway", "users", "postgres", "redis", "manager"}
        proxy_ports = {instance.topology.proxy_port(instance.base_port, edge) for edge in instance.topology.edges}
        everything = [process for processes in running.values() for process in processes]
        bound = {c.laddr.port for process in everything for c in process.net_connections(kind="tcp")}
        assert not (bound | _connected(everything)) & proxy_ports

        def reached() -> bool:
            httpx.get(f"http://{instance.address('edge')}/products", timeout=10)  # the gateway asks its limiter first
            gateways = {instance.port("gateway", number) for number in (1, 2)}
            return instance.port("redis") in _connected(running["gateway"]) and bool(
                gateways & _connected(running["edge"])
            )

        # the gateway closes a connection to Redis that was slow to answer
        eventually(reached, every=0.5, what="connections straight to the servers")

        direct.up("redis")
        assert direct.instance.direct, "what runs stays as it was started"
        direct.run("scale", "gateway", "3")
        assert direct.is_up()
        direct.run("down")
        direct.up("redis")
        assert "faultproxy" in {row["replica"] for row in direct.status()["rows"]}
        _, err = direct.up("redis", "--direct", code=1)
        assert "stop it before it can run without" in err
