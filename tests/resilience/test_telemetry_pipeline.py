"""Whoever receives telemetry stops, freezes or is slow: no request notices, every lost span is counted, and all of it
comes back without a restart."""

import json
import os
import signal
import socket
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psutil
import pytest

from chaos.testing.injector import FaultInjector
from services.shopper import Shopper
from stormglass.runtime.manager import Manager
from stormglass.runtime.overrides import clear_override, set_override
from stormglass.runtime.status import status
from stormglass.settings import TelemetrySettings
from stormglass.testing import Platform, eventually
from tests.goods import stocked
from tests.resilience.crowd import MOOD_FAILURES, Crowd, Window
from tests.telemetry.span_books import books, replicas, samples, settled

RATE = 40
"""Requests a second: 80 spans a second in each gateway."""

GIVEN = {"STORMGLASS_GATEWAY_RATE_PER_MINUTE": "1000000", "STORMGLASS_TELEMETRY_QUEUE_SPANS": "100"}
"""For the gateways: no limits among two callers, and a queue that two seconds fill when nobody empties it."""

GATEWAYS = ("gateway-1", "gateway-2")
GROWTH_BYTES = 32 * 2**20
"""What a process may grow by while nobody takes its spans: the queues it has are full at a third of that."""

STOP_SECONDS = 1.5 + TelemetrySettings().export_timeout_ms / 1000 + 5
"""The drain, one export time-out, and what a busy machine needs for the rest; the SDK alone would take 30 s."""

Figures = Callable[[str, object], None]


@pytest.fixture(scope="module")
def crowd(platform: Platform) -> Iterator[Crowd]:
    try:
        for gateway in GATEWAYS:
            set_override(platform.instance, gateway, GIVEN)
        platform.run("restart", "gateway")
        with Crowd(platform, RATE) as made:
            yield made
    finally:
        for gateway in GATEWAYS:
            clear_override(platform.instance, gateway, GIVEN)
        platform.run("restart", "gateway")


@pytest.fixture(scope="module")
def usual(platform: Platform, crowd: Crowd) -> Window:
    """What people wait for when nothing is broken."""
    crowd.watch(2)
    return crowd.watch(4)


def _pids(platform: Platform) -> dict[str, int]:
    return {info.name: info.pid for info in Manager(platform.instance).infos().values() if info.pid}


def _bytes(platform: Platform) -> dict[str, int]:
    pids = _pids(platform)
    return {replica: psutil.Process(pids[replica]).memory_info().rss for replica in replicas(platform)}


def _query(platform: Platform, expression: str) -> list[dict[str, Any]]:
    url = f"http://{platform.address('prometheus')}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return list(json.load(answer)["data"]["result"])


def _exported(platform: Platform) -> dict[str, float]:
    return {name: samples(platform, name)["telemetry_spans_exported_total", ""] for name in GATEWAYS}


def _delivered_again(platform: Platform) -> float:
    """Seconds until both gateways deliver spans."""
    begun = time.monotonic()
    before = _exported(platform)
    eventually(
        lambda: all(count > before[name] for name, count in _exported(platform).items()),
        seconds=30,
        what="spans are delivered again",
    )
    return time.monotonic() - begun


@pytest.mark.parametrize(
    ("gateways", "orders"),
    [(("down", {}), ("timeout", {})), (("latency", {"latency": 1500}), ("bandwidth", {"rate": 1}))],
    ids=["cut", "slow"],
)
def test_a_broken_way_to_the_trace_store_is_no_requests_business(
    platform: Platform,
    crowd: Crowd,
    usual: Window,
    fault: FaultInjector,
    record_property: Figures,
    gateways: tuple[str, dict[str, Any]],
    orders: tuple[str, dict[str, Any]],
) -> None:
    with crowd.silent():
        before, pids = settled(platform), _pids(platform)
    with (
        fault("gateway→traces", gateways[0], **gateways[1]),
        fault("orders→traces", orders[0], **orders[1]),
    ):
        meanwhile = crowd.watch(4)
    assert meanwhile.as_usual(usual), f"{meanwhile}; usually {usual}"
    seconds = _delivered_again(platform)
    assert _pids(platform) == pids
    with crowd.silent():
        found = settled(platform)
    if gateways[0] == "down":
        assert found.dropped_by("export_failed") > before.dropped_by("export_failed")
    record_property("figures", f"{meanwhile}; usually {usual}; delivered again after {seconds:.1f} s; {found}")


def test_a_frozen_trace_store_costs_spans_and_nothing_else(
    platform: Platform, crowd: Crowd, usual: Window, fault: FaultInjector, record_property: Figures
) -> None:
    with crowd.silent():
        before, pids, memory = settled(platform), _pids(platform), _bytes(platform)
    with fault("traces", "stop", ttl="2m"):
        meanwhile = crowd.watch(5)
        with crowd.window() as confirming:
            confirmed_after = _order_confirmed(platform)
        rule = "sum by (service, reason) (rate(telemetry_spans_dropped_total[30s])) > 0"
        for reason in ("export_failed", "queue_full"):
            eventually(
                lambda reason=reason: [  # type: ignore[misc]  # a lambda bound to its round
                    series
                    for series in _query(platform, rule)
                    if series["metric"] == {"service": "gateway", "reason": reason}
                ],
                what=f"what TelemetryDropped asks for shows {reason}",
            )
        with crowd.silent():
            frozen = eventually(
                lambda: seen if (seen := books(platform)).waiting and not seen.missing else None,
                what="ended = exported + dropped + waiting, while some wait",
            )
            stopped_after = _stopped_after(pids["orders-2"])
        grown = {replica: size - memory[replica] for replica, size in _bytes(platform).items() if replica != "orders-2"}
    assert meanwhile.as_usual(usual), f"{meanwhile}; usually {usual}"
    assert len(confirming.failures) <= MOOD_FAILURES, confirming.failures
    assert confirmed_after < 10, "the objective"
    assert stopped_after < STOP_SECONDS
    assert max(grown.values()) < GROWTH_BYTES, grown
    seconds = _delivered_again(platform)
    eventually(lambda: status(platform.instance).state == "up", seconds=60, what="everything ready, orders-2 too")
    after = _pids(platform)
    assert {name for name in after if after[name] != pids[name]} == {"orders-2"}
    with crowd.silent():
        whole = settled(platform)
    assert frozen.dropped > before.dropped
    record_property(
        "figures",
        f"{meanwhile}; usually {usual}; an order confirmed after {confirmed_after:.1f} s; orders-2 stopped after "
        f"{stopped_after:.1f} s; grown by at most {max(grown.values()) / 2**20:.1f} MiB; while frozen {frozen}; "
        f"delivered again after {seconds:.1f} s; then {whole}",
    )


def _order_confirmed(platform: Platform) -> float:
    """Seconds from an order to its confirmation, which is a job of the worker's."""
    goods = stocked(platform)[0]["id"]
    with Shopper(platform.base_url) as shopper:
        shopper.register()
        shopper.log_in()
        begun = time.monotonic()
        order = shopper.place([(goods, 1)]).order_id
        eventually(lambda: shopper.order(order)["status"] == "confirmed", what="the order is confirmed")
        return time.monotonic() - begun


def _stopped_after(pid: int) -> float:
    """Seconds from SIGTERM to a process' end."""
    process = psutil.Process(pid)
    begun = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    process.wait(60)
    return time.monotonic() - begun


def test_a_frozen_prometheus_is_nobodys_business_and_scrapes_again_when_it_thaws(
    platform: Platform, crowd: Crowd, usual: Window, fault: FaultInjector, record_property: Figures
) -> None:
    pids = _pids(platform)
    with fault("prometheus", "stop"):
        meanwhile = crowd.watch(4)
        thawed = time.time()
    assert meanwhile.as_usual(usual), f"{meanwhile}; usually {usual}"
    eventually(
        lambda: float(_query(platform, "min(timestamp(up == 1))")[0]["value"][1]) > thawed,
        what="every target is scraped again",
    )
    assert _pids(platform) == pids
    record_property("figures", f"{meanwhile}; usually {usual}; scraped again after {time.time() - thawed:.1f} s")


@contextmanager
def _slow_readers(platform: Platform, count: int) -> Iterator[None]:
    """Scrapers who ask a gateway for its metrics and then hardly read."""
    host, _, port = platform.address("gateway:admin").rpartition(":")
    with ExitStack() as stack:
        for _ in range(count):
            reader = stack.enter_context(socket.socket())
            # before the connection is made: the kernel would take in the whole page otherwise
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            reader.settimeout(10)
            reader.connect((host, int(port)))
            reader.sendall(b"GET /metrics HTTP/1.1\r\nHost: gateway\r\nAccept: application/openmetrics-text\r\n\r\n")
            assert reader.recv(1)
        yield


def test_who_reads_metrics_slowly_holds_up_nobody(
    platform: Platform, crowd: Crowd, usual: Window, record_property: Figures
) -> None:
    before = _bytes(platform)["gateway-1"]
    with _slow_readers(platform, 20):
        meanwhile = crowd.watch(3)
        assert samples(platform, "gateway-1"), "another one is answered"
        grown = _bytes(platform)["gateway-1"] - before
    assert meanwhile.as_usual(usual), f"{meanwhile}; usually {usual}"
    assert grown < GROWTH_BYTES
    record_property("figures", f"{meanwhile}; usually {usual}; grown by {grown / 2**20:.1f} MiB")
