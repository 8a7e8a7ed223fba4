"""Memory of a process and everything it started, in bytes."""

import contextlib

import psutil


def used(pid: int) -> int:
    """Proportional set size where the kernel tells it (shared pages counted once, in parts), else resident size."""
    try:
        root = psutil.Process(pid)
        members = [root, *root.children(recursive=True)]
    except psutil.Error:
        return 0
    return sum(_one(member) for member in members)


def _one(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        try:
            return int(process.memory_full_info().pss)
        except (AttributeError, psutil.AccessDenied):
            return int(process.memory_info().rss)
    return 0


def alone(pid: int) -> int:
    """The same for one process without its children."""
    try:
        return _one(psutil.Process(pid))
    except psutil.Error:
        return 0
