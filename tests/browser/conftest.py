"""A browser for the tests here; a machine without one runs none of them, and the report says so."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.browser.chromium import Tab, program, started

HERE = Path(__file__).parent


def pytest_report_collectionfinish() -> str:
    missing = (
        "none; tests/browser is left out (Debian: `apt install chromium`), tests/unit reads the same pages as text"
    )
    return f"browser: {program() or missing}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if program() is None:
        here = [item for item in items if HERE in item.path.parents]
        config.hook.pytest_deselected(items=here)
        items[:] = [item for item in items if item not in here]


@pytest.fixture(scope="module")
async def tab() -> AsyncIterator[Tab]:
    executable = program()
    assert executable is not None
    async with started(executable) as opened:
        yield opened
