"""Writing files that others must not read, or must never see half written."""

import os
from pathlib import Path


def private_directory(path: Path) -> Path:
    """Make a directory that only its owner may enter."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.chmod(0o700)
    return path


def write_private(path: Path, text: str, mode: int = 0o600) -> bool:
    """Replace a file in one step, never readable by others on the way; whether its content changed."""
    try:
        if path.read_text(encoding="utf-8") == text:
            path.chmod(mode)
            return False
    except OSError:
        pass  # it is not there yet
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
    return True
