"""`python -m chaos.faultproxy`."""

import asyncio
import os
import sys

from chaos.faultproxy import events
from chaos.faultproxy.options import parse
from chaos.faultproxy.server import serve


def _event_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # PyPy, or a platform without a wheel: the standard loop does the same, a little slower
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def main() -> int:
    """Parse the flags and serve; the process's exit status."""
    options = parse(sys.argv[1:])
    events.configure(os.environ.get("LOG_LEVEL", ""))
    with asyncio.Runner(loop_factory=_event_loop) as runner:
        return runner.run(serve(options))


if __name__ == "__main__":
    sys.exit(main())
