"""Variables that one replica is given instead of its own, from its next start until they are cleared.

They survive the replica's death and the manager's, and end with the instance: `down` forgets them.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from stormglass.runtime import names
from stormglass.runtime.entry import file_in, read
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.files import write_private
from stormglass.runtime.instance import Instance
from stormglass.runtime.lock import locked
from stormglass.topology import Kind

WAIT_SECONDS = 10.0


def set_override(instance: Instance, replica_name: str, values: Mapping[str, str]) -> None:
    """Give a replica (`orders-2`) these variables from its next start on, beside those it was given before.

    `RuntimeFailure` for what is no replica, and for a server that is no program of ours and would not read them.
    """
    (process, number), *more = names.replicas(instance, replica_name)
    if more or process.replica_name(number) != replica_name:
        raise RuntimeFailure(f"{replica_name} is not one replica: {process.replica_name(number)} is")
    if process.kind not in {Kind.APP, Kind.PROGRAM}:
        raise RuntimeFailure(f"{replica_name} is a server that reads no variables of ours: it cannot be given any")
    with locked(_lock(instance), wait_seconds=WAIT_SECONDS):
        known = read(instance.directory)
        known[replica_name] = {**known.get(replica_name, {}), **values}
        _write(instance, known)


def clear_override(instance: Instance, replica_name: str, variables: Iterable[str] | None = None) -> None:
    """Take these variables (all, if none are named) back from a replica's next start on. No error if it has none."""
    with locked(_lock(instance), wait_seconds=WAIT_SECONDS):
        known = read(instance.directory)
        had = known.pop(replica_name, {})
        cleared = set(had if variables is None else variables)
        if left := {name: value for name, value in had.items() if name not in cleared}:
            known[replica_name] = left
        _write(instance, known)


def overrides(instance: Instance) -> dict[str, dict[str, str]]:
    """What is set now: replica → variable → value."""
    return read(instance.directory)


def forget(instance: Instance) -> None:
    """Drop all overrides."""
    file_in(instance.directory).unlink(missing_ok=True)


def _write(instance: Instance, known: Mapping[str, Mapping[str, str]]) -> None:
    if known:
        write_private(file_in(instance.directory), json.dumps(known, indent=2) + "\n")
    else:
        forget(instance)


def _lock(instance: Instance) -> Path:
    return instance.run / "overrides.lock"
