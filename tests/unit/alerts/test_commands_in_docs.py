"""Commands that our pages tell people to type are ones that the command line understands."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from stormglass.cli.main import build

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
FEWEST = 100
"""There are twice as many: with fewer, the patterns below do not find them any more."""

_TYPED = re.compile(r"`stormglass ([^`]+)`|^ {4}stormglass (.+)$", re.MULTILINE)
_MORE = re.compile(r"\s{2,}|\s*[|;&>#]\s*")
"""What ends a command: what is said about it, or another one."""


def commands(text: str) -> Iterator[list[str]]:
    """What stands behind `stormglass`, in words, wherever it does."""
    for found in _TYPED.finditer(text):
        typed = _MORE.split((found[1] or found[2]).replace("…", ""))[0]
        yield shlex.split(typed.removeprefix("--runtime compose "))


@cache
def _command_line() -> Any:
    return typer.main.get_command(build())


def refused(words: list[str]) -> str:
    """Why the command line does not take these words; empty where it does. Nothing is run."""
    command: Any = _command_line()
    while hasattr(command, "commands") and words:
        name, *words = words
        if name not in command.commands:
            return f"there is no command {name}"
        command = command.commands[name]
    if hasattr(command, "commands"):
        return ""
    try:
        command.make_context(command.name, words)
    except Exception as error:  # noqa: BLE001 - whichever way it is refused
        return str(getattr(error, "message", error))
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_commands_that_there_are(page: Path) -> None:
    wrong = {" ".join(words): refused(words) for words in commands(page.read_text(encoding="utf-8"))}
    assert {typed: why for typed, why in wrong.items() if why} == {}


def test_commands_are_found_and_wrong_ones_are_seen() -> None:
    assert sum(1 for page in PAGES for _ in commands(page.read_text(encoding="utf-8"))) >= FEWEST
    text = "`stormglass order`, `stormglass ordre`\n\n    stormglass status redis  up?\n    stormglass logs -f | less"
    found = {" ".join(words): refused(words) for words in commands(text)}
    assert list(found) == ["order", "ordre", "status redis", "logs -f"]
    assert [bool(why) for why in found.values()] == [False, True, True, False]
