"""`python -m stormglass.service MODULE:FACTORY`: serve one application until SIGTERM."""

import asyncio
import importlib
import sys

import uvloop

from stormglass.service.server import CannotListen, serve
from stormglass.settings import SettingsError


def main() -> None:
    """Import the factory named on the command line, call it, serve what it returns."""
    if len(sys.argv) != 2 or ":" not in sys.argv[1]:
        sys.exit("usage: python -m stormglass.service MODULE:FACTORY")
    module, _, factory = sys.argv[1].partition(":")
    complaint: BaseException | None = None
    try:
        app = getattr(importlib.import_module(module), factory)()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(app))
    except* (SettingsError, CannotListen) as group:
        # Litestar wraps what ends its lifespan into groups within groups
        complaint = group
        while isinstance(complaint, BaseExceptionGroup):
            complaint = complaint.exceptions[0]
    if complaint is not None:
        sys.exit(f"{sys.argv[1]}: {complaint}")


if __name__ == "__main__":
    main()
