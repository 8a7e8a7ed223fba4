"""Reading the log files of an instance, current and rotated."""

from collections import deque
from pathlib import Path


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a log; empty if there is none."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, maxlen=lines)]
    except FileNotFoundError:
        return []


def with_rotated(path: Path) -> list[Path]:
    """The log and its rotated predecessors that exist, oldest first."""
    older = sorted(path.parent.glob(f"{path.name}.[0-9]*"), key=lambda old: int(old.suffix[1:]), reverse=True)
    return [*older, *([path] if path.exists() else [])]
