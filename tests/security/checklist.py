"""Counts the tests of each item of the OWASP API Security Top 10 by their marker, and writes the counts into the page.

`python -m tests.security.checklist` prints them, with `--write` it brings `docs/security.md` up to date. Every file of
`tests/` that uses the marker counts, also outside of this folder.
"""

import argparse
import contextlib
import io
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"
ITEMS = tuple(f"API{number}" for number in range(1, 11))
_ROW = re.compile(r"^(\| (API\d+) .*\| )\d+ \| \d+( \|)$", re.MULTILINE)


class Count(NamedTuple):
    """Test functions of an item, and the cases they come to with their parameters."""

    tests: int
    cases: int


class _Collector:
    def __init__(self) -> None:
        self.found: dict[str, list[str]] = defaultdict(list)
        self.unmarked: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            marked = {str(mark.args[0]) for mark in item.iter_markers("owasp")}
            for name in marked:
                self.found[name].append(item.nodeid)
            if not marked and item.path.is_relative_to(ROOT / "tests" / "security"):
                self.unmarked.append(item.nodeid)


def counts() -> dict[str, Count]:
    """The count of every item.

    Raises:
        SystemExit: the tests cannot be collected, one in this folder has no marker, or one names an unknown item.
    """
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if "mark.owasp(" in path.read_text(encoding="utf-8")]
    collector, printed = _Collector(), io.StringIO()
    folder = str(ROOT / "tests" / "security")
    with contextlib.redirect_stdout(printed):
        code = pytest.main(
            ["--collect-only", "-qq", "-p", "no:cacheprovider", f"--rootdir={ROOT}", folder, *map(str, files)],
            plugins=[collector],
        )
    if code:
        sys.exit(printed.getvalue())
    if collector.unmarked or set(collector.found) - set(ITEMS):
        sys.exit(f"without an item: {collector.unmarked}; unknown items: {set(collector.found) - set(ITEMS)}")
    return {
        item: Count(len({name.partition("[")[0] for name in collector.found[item]}), len(set(collector.found[item])))
        for item in ITEMS
    }


def render(page: str, counted: dict[str, Count]) -> str:
    """The page with these counts in its table."""
    return _ROW.sub(lambda row: f"{row[1]}{counted[row[2]].tests} | {counted[row[2]].cases}{row[3]}", page)


def main() -> None:
    """Print the counts, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="bring docs/security.md up to date")
    parser.add_argument("--check", action="store_true", help="exit with 1 if docs/security.md is not up to date")
    wanted = parser.parse_args()
    counted = counts()
    page = PAGE.read_text(encoding="utf-8")
    if wanted.write:
        PAGE.write_text(render(page, counted), encoding="utf-8")
    for item, count in counted.items():
        print(f"{item:6} {count.tests:4} tests {count.cases:5} cases")  # noqa: T201 - it is a command
    if wanted.check and render(page, counted) != page:
        sys.exit(f"{PAGE} has other counts: run `python -m tests.security.checklist --write`")


if __name__ == "__main__":
    main()
