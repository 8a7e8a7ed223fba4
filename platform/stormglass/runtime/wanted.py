"""The marker that says which processes of an instance are meant to be up. Without it, nothing comes back by itself."""

import json
from pathlib import Path

from stormglass.runtime.files import write_private
from stormglass.runtime.instance import Instance


def _path(instance: Instance) -> Path:
    return instance.run / "wanted"


def write(instance: Instance, names: set[str]) -> None:
    """From now on these processes (names of the topology) are meant to be up."""
    write_private(_path(instance), json.dumps(sorted(names)) + "\n")


def read(instance: Instance) -> set[str]:
    """Processes that are meant to be up; empty when the instance is meant to be down."""
    if not instance.managed:
        return {process.name for process in instance.topology.processes}
    try:
        return set(json.loads(_path(instance).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):  # a power cut may leave it empty
        return set()


def remove(instance: Instance) -> None:
    """From now on the instance is meant to be down."""
    _path(instance).unlink(missing_ok=True)
