"""The pytest plugin: the fixture `fault`, on the instance that the fixture `platform` provides."""

from collections.abc import Iterator

import pytest

from chaos.testing.injector import FaultInjector
from stormglass.testing import Platform


@pytest.fixture
def fault(platform: Platform) -> Iterator[FaultInjector]:
    """Puts faults for the length of a block; whatever a failing test leaves behind is cleared after it."""
    try:
        yield FaultInjector(platform)
    finally:
        platform.run("fault", "clear")
