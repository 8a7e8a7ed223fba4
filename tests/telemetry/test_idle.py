"""A platform that nobody uses makes no traces: polling and health checks would hide what people do."""

import json
import os
import time
import urllib.request
from typing import Any

from stormglass.testing import Platform, eventually
from tests.telemetry.asking import search
from tests.telemetry.order_trace import Span

QUIET_SECONDS = 12
"""Longer than anything polls: balancer 0.2 s, relay 1 s, keeper 2 s, scrapes 5 s."""


def traces_since(platform: Platform, begun: float) -> list[str]:
    """The roots of the traces that began after `begun` (seconds since 1970)."""
    found = search(platform, start=int(begun), end=int(time.time()) + 60, limit=50)
    return [f"{each.get('rootServiceName')}: {each.get('rootTraceName')}" for each in found]


def test_an_idle_platform_makes_no_traces(platform: Platform, order: tuple[dict[str, Any], list[Span]]) -> None:
    # what the order left is told within a second
    begun = int(time.time()) + 2
    time.sleep(QUIET_SECONDS)
    assert traces_since(platform, begun) == []


def test_a_trace_without_a_request_would_be_seen(platform: Platform) -> None:
    begun = int(time.time())
    now = time.time_ns()
    span = {
        "traceId": os.urandom(16).hex(),
        "spanId": os.urandom(8).hex(),
        "name": "poll",
        "kind": 3,
        "startTimeUnixNano": str(now),
        "endTimeUnixNano": str(now + 1_000_000),
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "poller"}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
    request = urllib.request.Request(
        f"http://{platform.address('traces')}/v1/traces",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
    assert eventually(lambda: "poller: poll" in traces_since(platform, begun), seconds=10)
