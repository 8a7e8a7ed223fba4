"""The page about security says what the tests are: every item, every file, and how many there are."""

import re
import subprocess
import sys

from tests.security.checklist import ITEMS, PAGE, ROOT, Count, render


def test_the_counts_are_those_of_the_tests() -> None:
    """In a process of its own: collecting tests within a test would leave its modules behind."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.security.checklist", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = dict(re.findall(r"^(API\d+) +(\d+) tests", done.stdout, re.MULTILINE))
    assert tuple(told) == ITEMS
    assert all(int(count) > 0 for count in told.values()), told


def test_another_count_would_be_noticed() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert render(page, dict.fromkeys(ITEMS, Count(0, 0))) != page
    assert len(re.findall(r"^\| API\d+ .*\| \d+ \| \d+ \|$", page, re.MULTILINE)) == len(ITEMS)


def test_every_file_of_the_folder_is_named_and_every_name_is_a_file() -> None:
    named = set(re.findall(r"`(test_[a-z0-9_]+\.py)`", PAGE.read_text(encoding="utf-8")))
    there = {path.name for path in (ROOT / "tests" / "security").glob("test_*.py")}
    assert there <= named
    assert {name for name in named if not list((ROOT / "tests").rglob(name))} == set()
