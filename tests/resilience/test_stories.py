"""The two stories: they end well, tell the truth, and leave nothing broken behind."""

import json
from typing import Any

import pytest

from stormglass.testing import Platform, eventually

RATE = "8"
"""Requests per second: the machine may have more to do than this."""


def _left_behind(platform: Platform) -> list[Any]:
    faults = json.loads(platform.run("fault", "list", "--json"))
    return list(faults["faults"] if isinstance(faults, dict) else faults)


def _told(platform: Platform, story: str) -> dict[str, Any]:
    report: dict[str, Any] = platform.json("demo", story, "--rate", RATE, timeout=400)
    assert report["kept"], report
    orders = report["orders"]
    assert orders["acknowledged"] == orders["confirmed"] == orders["mailed"] > 0
    assert _left_behind(platform) == []
    eventually(
        lambda: json.loads(platform.run("status", "--json", check=False))["state"] == "up",
        seconds=60,
        what="the platform is whole after the story",
    )
    return report


@pytest.mark.timeout(600)
def test_failover(platform: Platform) -> None:
    report = _told(platform, "failover")
    assert [outcome["replica"] for outcome in report["outcomes"]] == ["gateway-1", "products-1"]
    for outcome in report["outcomes"]:
        assert outcome["noticed"] is not None
        assert outcome["noticed"] < outcome["back"], "it was back before anybody noticed that it was away"


@pytest.mark.timeout(600)
def test_cache_fallback(platform: Platform) -> None:
    report = _told(platform, "cache-fallback")
    usual, slow, gone, empty, after = report["acts"]
    assert slow["p50_ms"] > usual["p50_ms"], "a slow Redis must be felt"
    assert slow["pages"]["hit"] > 0, "a slow cache is still a cache"
    # a page that was read before the cut may have ended after it
    assert gone["pages"].get("bypass", 0) > 0.9 * sum(gone["pages"].values()), "without Redis, from the database"
    assert gone["fallbacks"]["redis → origin"] > 0
    assert gone["fallbacks"]["redis → local_limiter"] > 0
    assert empty["pages"]["miss"] > after["pages"].get("miss", 0), "an empty cache has to be filled"
    assert after["pages"]["hit"] > 0
    # one answer of Redis that is late is remembered for a second
    assert after["pages"].get("bypass", 0) < after["pages"]["hit"]
