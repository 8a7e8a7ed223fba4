from typing import Any

import pytest

from stormglass.testing import Platform
from tests.telemetry.asking import fetch_order_trace
from tests.telemetry.order_trace import Span


@pytest.fixture(scope="session")
def order(platform: Platform) -> tuple[dict[str, Any], list[Span]]:
    return fetch_order_trace(platform)
