"""`python -m stormglass.runtime.entry REPLICA MODULE [ARGUMENT…]`: how every Python process of an instance begins.

It reads the replica's overrides at every start, so that a fault put there survives restarts, and then runs the module
in this same process. Nothing is imported here that the module might not need: a start costs what it did without.
"""

import json
import os
import runpy
import sys
import time
from pathlib import Path

DIRECTORY = "STORMGLASS_INSTANCE_DIR"
"""Variable with the instance's directory (`environment.MARKER`)."""

DELAY = "STORMGLASS_START_DELAY_SECONDS"
"""Variable with the seconds to wait before the module is imported: a process that is slow to start."""


def file_in(directory: Path) -> Path:
    """The file of an instance that holds the overrides: replica → variable → value."""
    return directory / "run" / "overrides.json"


def read(directory: Path) -> dict[str, dict[str, str]]:
    """The overrides of every replica; none where there is no file."""
    try:
        return dict(json.loads(file_in(directory).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):  # a power cut may leave it empty
        return {}


def main() -> None:
    """Take over the overrides, wait if told to, become the module."""
    if len(sys.argv) < 3:
        sys.exit("usage: python -m stormglass.runtime.entry REPLICA MODULE [ARGUMENT…]")
    _, replica, module, *arguments = sys.argv
    os.environ.update(read(Path(os.environ[DIRECTORY])).get(replica, {}))
    try:
        time.sleep(float(os.environ.get(DELAY) or 0))
    except ValueError:
        sys.exit(f"{DELAY}={os.environ[DELAY]}: a number of seconds from 0 up is wanted")
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
