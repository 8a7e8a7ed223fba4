"""The pytest plugin: a fixture `platform`, one running instance for the whole test session, on its own ports.

The instance is called `test` (or as the environment variable `STORMGLASS_TEST_INSTANCE` says), is started with empty
databases by the first test that asks for it, and is stopped and removed at the end, also after Ctrl-C.
"""

import os
from collections.abc import Iterator

import pytest

from stormglass.testing.handle import Platform


def pytest_configure() -> None:
    """Tests are of the native runtime, also where containers of the platform happen to run."""
    os.environ.setdefault("STORMGLASS_RUNTIME", "native")


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """The running platform."""
    handle = Platform(os.environ.get("STORMGLASS_TEST_INSTANCE", "test"))
    try:
        handle.run("up", "--fresh", timeout=240)
        handle.run("catalogue")
        yield handle
    finally:
        handle.run("down", "--purge", check=False)
