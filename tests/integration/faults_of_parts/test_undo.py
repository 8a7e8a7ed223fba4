"""Undo in another process than the one that applied: again after it was done, and of what was never applied."""

import time
import uuid
from dataclasses import replace

import pytest

from chaos.engine import registry
from chaos.engine.attributes import parse_all
from chaos.engine.context import Context
from chaos.engine.model import Fault, Request, State
from services.shopper import Shopper
from stormglass.testing import Platform
from tests.integration.faults_of_parts.conftest import Put, accepted
from tests.integration.faults_of_parts.shop import FRESH

FAULTS = (
    ("kill", "orders-2"),
    ("stop", "orders-2"),
    ("slow-start", "orders-2"),
    ("scale-down", "orders"),
    ("cpu", "orders-2"),
    ("memory", "machine"),
    ("disk-full", "mail"),
    ("read-only", "redis"),
    ("out-of-memory", "redis"),
    ("slow", "redis"),
    ("lock", "postgres/users"),
    ("connections", "postgres/users"),
    ("connections", "postgres"),
    ("read-only-transactions", "postgres/users"),
    ("refuse", "mail"),
    ("duplicate", "mail"),
    ("poison-job", "worker"),
    ("garbage", "cache/products"),
    ("signing-key", "users"),
    ("bad-deploy", "orders-2"),
)


@pytest.mark.parametrize(("kind", "target"), FAULTS)
async def test_what_was_never_applied_is_undone_without_a_trace(
    platform: Platform, context: Context, shopper: Shopper, product: str, kind: str, target: str
) -> None:
    shopper.request("GET", f"/products/{product}", headers=FRESH)  # something is in the cache
    found = registry.kind(kind)
    request = Request(target, kind, parse_all(kind, found.attributes, {}))
    now = time.time()
    fault = Fault(
        f"never{time.monotonic_ns():x}", target, kind, request.attributes, "", 1.0, 60.0, now, now + 60, State.INTENDED
    )
    fault = replace(fault, record=await found.prepare(context, request))
    await found.undo(context, fault)
    await found.undo(context, fault)
    assert platform.json("status")["state"] == "up"
    assert accepted(shopper, product, uuid.uuid4().hex)


@pytest.mark.parametrize(("kind", "target"), FAULTS)
async def test_undoing_once_more_changes_nothing(
    platform: Platform, put: Put, context: Context, shopper: Shopper, product: str, kind: str, target: str
) -> None:
    shopper.request("GET", f"/products/{product}", headers=FRESH)
    with put(target, kind) as fault:
        pass
    await registry.kind(kind).undo(context, fault)
    assert platform.json("status")["state"] == "up"
    assert accepted(shopper, product, uuid.uuid4().hex)
