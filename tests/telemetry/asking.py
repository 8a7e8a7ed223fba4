"""How these tests ask the platform for its telemetry."""

import json
import urllib.request
from typing import Any

from stormglass.testing import Platform
from tests.telemetry.order_trace import Span


def fetch_order_trace(platform: Platform) -> tuple[dict[str, Any], list[Span]]:
    """Place one order, wait until it is settled, and read its whole trace back from the store."""
    report = platform.json("order")
    trace = platform.json("trace", report["trace_id"], "--wait", "20")
    return report, trace["spans"]


def search(platform: Platform, **parameters: str | int) -> list[dict[str, Any]]:
    """Traces that the store finds, newest first."""
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    with urllib.request.urlopen(f"http://{platform.address('traces')}/api/search?{query}", timeout=10) as answer:
        return list(json.load(answer)["traces"])
