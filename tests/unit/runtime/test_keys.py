"""Rotation on disk: what is added, what is removed, what is refused."""

import stat
import time

import pytest

from stormglass.runtime import keys
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.files import write_private
from stormglass.runtime.instance import Instance
from stormglass.security import keyring
from stormglass.security.keyring import LEAD_SECONDS, SKEW_SECONDS, KeyState
from stormglass.security.tokens import TOKEN_SECONDS


def _backdate(instance: Instance, seconds: float) -> None:
    """A key that has signed for some seconds, in place of the youngest one."""
    youngest = keyring.files(keys.directory(instance))[-1]
    youngest.rename(youngest.with_name(keyring.name_of(int(time.time() - seconds))))


def test_a_rotation_adds_a_private_file_that_signs_after_the_lead(instance: Instance) -> None:
    before = keys.ring(instance).keys[0]
    now = time.time()
    rotation = keys.rotate(instance)
    assert rotation.removed == []
    assert now + LEAD_SECONDS <= rotation.new.signs_from <= now + LEAD_SECONDS + 3
    assert stat.S_IMODE(rotation.new.path.stat().st_mode) == 0o600
    ring = keys.ring(instance)
    assert [key.key.key_id for key in ring.keys] == [before.key.key_id, rotation.new.key.key_id]
    assert [ring.state(key, time.time()) for key in ring.keys] == [KeyState.SIGNING, KeyState.NEXT]


def test_a_second_rotation_waits_for_the_first_unless_it_is_an_emergency(instance: Instance) -> None:
    first = keys.rotate(instance)
    with pytest.raises(RuntimeFailure, match=r"signs in (59|6\d) s; wait for it, or use --now"):
        keys.rotate(instance)
    assert len(keys.ring(instance).keys) == 2
    rotation = keys.rotate(instance, at_once=True)
    assert rotation.removed == [keyring.FIRST, first.new.path.name]
    (only,) = keys.ring(instance).keys
    assert only.key.key_id == rotation.new.key.key_id
    assert keys.ring(instance).state(only, time.time()) is KeyState.SIGNING


def test_a_rotation_removes_what_nobody_needs_any_more_and_nothing_else(instance: Instance) -> None:
    keys.rotate(instance)
    _backdate(instance, TOKEN_SECONDS + SKEW_SECONDS - 30)
    assert keys.rotate(instance).removed == [], "its last token may still live"
    _backdate(instance, 10)
    keys_before = keyring.files(keys.directory(instance))
    keys_before[1].rename(
        keys_before[1].with_name(keyring.name_of(int(time.time()) - TOKEN_SECONDS - SKEW_SECONDS - 5))
    )
    assert keys.rotate(instance).removed == [keyring.FIRST]
    assert len(keys.ring(instance).keys) == 3


def test_an_emergency_does_not_ask_what_state_the_ring_is_in(instance: Instance) -> None:
    write_private(keys.directory(instance) / keyring.FIRST, "garbage")
    with pytest.raises(RuntimeFailure, match="signing_key: not an Ed25519 key"):
        keys.rotate(instance)
    assert keys.rotate(instance, at_once=True).removed == [keyring.FIRST]
    assert len(keys.ring(instance).keys) == 1


def test_two_emergencies_within_a_second_leave_one_key(instance: Instance) -> None:
    rotations = [keys.rotate(instance, at_once=True) for _ in range(3)]
    assert [key.key.key_id for key in keys.ring(instance).keys] == [rotations[-1].new.key.key_id]
