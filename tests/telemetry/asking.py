"""How these tests ask the platform for its telemetry."""

import json
import urllib.error
import urllib.parse
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


def prometheus(platform: Platform, path: str, **parameters: str) -> Any:
    """The `data` of an answer of Prometheus' API."""
    query = urllib.parse.urlencode(parameters)
    with urllib.request.urlopen(f"http://{platform.address('prometheus')}/api/v1/{path}?{query}", timeout=30) as answer:
        return json.load(answer)["data"]


def log_lines(platform: Platform, trace_id: str = "") -> list[dict[str, Any]]:
    """What all processes logged in a trace; without one, all that is left of what they ever logged."""
    wanted = ("--trace", trace_id) if trace_id else ("--lines", "1000000")
    return [json.loads(line) for line in platform.run("logs", *wanted, "--json").splitlines()]


def spans_in_store(platform: Platform, trace_id: str) -> int:
    """How many spans of a trace the store has; 0 where it does not know the trace."""
    try:
        with urllib.request.urlopen(f"http://{platform.address('traces')}/api/traces/{trace_id}", timeout=10) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError:
        return 0
    return sum(len(scope["spans"]) for batch in found["batches"] for scope in batch["scopeSpans"])


def tag_values(platform: Platform, tag: str) -> set[str]:
    """Every value that an attribute has on the newest spans of the store."""
    url = f"http://{platform.address('traces')}/api/v2/search/tag/{tag}/values?limit=1000"
    with urllib.request.urlopen(url, timeout=30) as answer:
        return {each["value"] for each in json.load(answer)["tagValues"]}
