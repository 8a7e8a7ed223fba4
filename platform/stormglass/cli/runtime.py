"""Which runtime a command line means: the native processes of this machine, or the containers of an engine."""

import shutil
from enum import StrEnum

import typer

from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import exists, inside_a_container, load, reachable
from stormglass.runtime.network import HOST


class Runtime(StrEnum):
    """Both run the same processes."""

    NATIVE = "native"
    COMPOSE = "compose"


NEVER_FOUND = {"up", "down", "doctor", "keys", "scale", "canary", "metrics", "rules", "bench", "routes"}
"""Commands that mean the native runtime, or none, unless the other one is named."""


OF_THE_ENGINE = {"up", "down", "logs", "kill", "restart", "scale", "canary", "keys", "doctor"}
"""Commands that cannot be had inside of a container: what they act on is out of reach there."""


def choose(given: Runtime | None, words: list[str], instance: str) -> Runtime:
    """What was asked for; otherwise the containers if they run and the native instance does not.

    `words` are those of the command line from the sub-command on. What builds files builds them in the checkout.
    """
    command, *rest = words
    if inside_a_container() and command in OF_THE_ENGINE:
        raise RuntimeFailure(
            f"{command} cannot be done inside of a container: on the host, `docker compose` or"
            f" `stormglass --runtime compose {command}` does it, or says why not"
        )
    if inside_a_container() or rest[:1] == ["build"] or not {"--help", "-h"}.isdisjoint(rest):
        return Runtime.NATIVE
    if given is not None:
        return given
    named_only = command in NEVER_FOUND or words == ["demo", "--fresh"]  # which empties it
    if named_only or shutil.which("docker") is None or _native_runs(instance):
        return Runtime.NATIVE
    from stormglass.containers.engine import running

    if not running():
        return Runtime.NATIVE
    typer.secho("(in the containers, which run; --runtime native means the others)", fg="bright_black", err=True)
    return Runtime.COMPOSE


def _native_runs(name: str) -> bool:
    try:
        return exists(name) and reachable(f"{HOST}:{load(name).manager_port}")
    except RuntimeFailure:
        return False
