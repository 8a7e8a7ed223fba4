"""One `up`, `down` or `scale` at a time per instance: a lock that dies with its holder and leaves no file."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stormglass.runtime.errors import RuntimeFailure


@contextmanager
def locked(path: Path, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the lock while the block runs; `RuntimeFailure` names the holder if it stays taken."""
    path.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + wait_seconds
    while (descriptor := _take(path)) is None:
        if time.monotonic() >= until:
            raise RuntimeFailure(f"another command works on this instance ({_holder(path)}): wait for it to end")
        time.sleep(0.1)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        # removed while it is still held, so that whoever waits sees that the file it opened is no longer the lock
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _take(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _holder(path: Path) -> str:
    try:
        return f"process {path.read_text(encoding='ascii').strip()}"
    except OSError:
        return "it has just ended"
