"""Bring an instance back whose manager was killed: started by the keeper, detached, and gone once all is well."""

import sys
import time

from stormglass.runtime import wanted
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import load, lock_path
from stormglass.runtime.lock import locked
from stormglass.runtime.manager import Manager
from stormglass.runtime.progress import Step
from stormglass.runtime.startup import start

ATTEMPTS = 5
PAUSE_SECONDS = 5.0


def main() -> None:
    """Start what is meant to be up, unless somebody stopped or started it in the meantime."""
    instance = load()
    names = wanted.read(instance)
    for attempt in range(1, ATTEMPTS + 1):
        with locked(lock_path(instance.name), wait_seconds=120):
            manager = Manager(instance)
            if manager.alive() or not wanted.read(instance):
                return
            try:
                start(instance, manager, names, _print)
            except RuntimeFailure as error:
                print(f"attempt {attempt} of {ATTEMPTS} failed: {error}", flush=True)  # noqa: T201 - a log
                wanted.write(instance, names)  # the failed start took it back, but it is still meant
            else:
                return
        time.sleep(PAUSE_SECONDS * attempt)
    wanted.remove(instance)
    sys.exit(f"instance {instance.name} could not be brought back: run `stormglass up`")


def _print(step: Step) -> None:
    clock = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    print(f"{clock} {step.part}: {step.state} ({step.seconds:.1f} s) {step.detail}".rstrip(), flush=True)  # noqa: T201 - a log


if __name__ == "__main__":
    main()
