"""Overrides of one replica: read at every start of that replica and of no other, taken back name by name."""

import os
import subprocess
import sys
import time

import pytest

from stormglass.runtime.entry import DELAY, DIRECTORY, file_in
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance
from stormglass.runtime.overrides import clear_override, forget, overrides, set_override


def _start(instance: Instance, replica: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Start a module of the standard library as the manager starts ours."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "stormglass.runtime.entry", replica, *arguments],
        env={**os.environ, DIRECTORY: str(instance.directory), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _shell(instance: Instance, replica: str, **variables: str) -> str:
    """What the module that is run finds in its environment, and how it is called."""
    probe = instance.directory / "probe.py"
    probe.write_text("import os, sys; print(os.environ.get('STORMGLASS_X'), __name__, sys.argv[1:])")
    return _start(instance, replica, "probe", "a", PYTHONPATH=str(instance.directory), **variables).stdout.strip()


def test_one_replica_is_given_them_at_each_start_until_they_are_cleared(instance: Instance) -> None:
    assert _shell(instance, "orders-2", STORMGLASS_X="own") == "own __main__ ['a']"
    set_override(instance, "orders-2", {"STORMGLASS_X": "other"})
    assert _shell(instance, "orders-2", STORMGLASS_X="own") == "other __main__ ['a']"
    assert _shell(instance, "orders-2") == "other __main__ ['a']"
    assert _shell(instance, "orders-1", STORMGLASS_X="own") == "own __main__ ['a']"
    clear_override(instance, "orders-2")
    assert _shell(instance, "orders-2", STORMGLASS_X="own") == "own __main__ ['a']"


def test_two_faults_on_one_replica_do_not_take_each_other_back(instance: Instance) -> None:
    set_override(instance, "orders-1", {"A": "1"})
    set_override(instance, "orders-1", {"B": "2"})
    set_override(instance, "mail", {"A": "3"})
    clear_override(instance, "orders-1", ["A"])
    clear_override(instance, "orders-1", ["A"])
    assert overrides(instance) == {"orders-1": {"B": "2"}, "mail": {"A": "3"}}
    assert file_in(instance.directory).stat().st_mode & 0o777 == 0o600
    clear_override(instance, "orders-1")
    clear_override(instance, "mail", ["A"])
    assert not file_in(instance.directory).exists()
    forget(instance)


def test_what_cannot_be_overridden_says_why(instance: Instance) -> None:
    with pytest.raises(RuntimeFailure, match="orders is not one replica: orders-1 is"):
        set_override(instance, "orders", {"A": "1"})
    with pytest.raises(RuntimeFailure, match="redis is a server that reads no variables"):
        set_override(instance, "redis", {"A": "1"})
    with pytest.raises(RuntimeFailure, match="did you mean orders-2"):
        set_override(instance, "order-2", {"A": "1"})


def test_a_start_can_be_delayed(instance: Instance) -> None:
    set_override(instance, "users-1", {DELAY: "1.5"})
    since = time.monotonic()
    assert "__main__" in _shell(instance, "users-1")
    assert time.monotonic() - since >= 1.5
    set_override(instance, "users-1", {DELAY: "soon"})
    done = _start(instance, "users-1", "this")
    assert (done.returncode, done.stderr) == (1, f"{DELAY}=soon: a number of seconds from 0 up is wanted\n")


def test_a_damaged_file_keeps_nothing_from_starting(instance: Instance) -> None:
    file_in(instance.directory).write_text("")
    assert _shell(instance, "orders-2", STORMGLASS_X="own") == "own __main__ ['a']"
