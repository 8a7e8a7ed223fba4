"""The states of signing keys: from the files' names and the clock alone."""

from pathlib import Path

import pytest

from stormglass.security import keyring
from stormglass.security.keyring import SKEW_SECONDS, KeyRingError, KeyState
from stormglass.security.tokens import TOKEN_SECONDS

SECOND = 1_800_000_000
THIRD = SECOND + 300
KEPT = TOKEN_SECONDS + SKEW_SECONDS


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name in (keyring.FIRST, keyring.name_of(SECOND), keyring.name_of(THIRD)):
        (tmp_path / name).write_text(keyring.new_pem())
    return tmp_path


@pytest.mark.parametrize(
    ("now", "states"),
    [
        (SECOND - 60, "signing next next"),
        (SECOND - 0.01, "signing next next"),
        (SECOND, "retiring signing next"),
        (THIRD - 0.01, "retiring signing next"),
        (THIRD, "retiring retiring signing"),
        (SECOND + KEPT - 0.01, "retiring retiring signing"),
        (SECOND + KEPT, "gone retiring signing"),
        (THIRD + KEPT, "gone gone signing"),
    ],
)
def test_time_takes_a_key_from_state_to_state(directory: Path, now: float, states: str) -> None:
    ring = keyring.read(directory)
    found = [ring.state(key, now) for key in ring.keys]
    assert found == states.split()
    assert found.index(KeyState.SIGNING) == ring.keys.index(ring.signing(now))
    assert [key for key, state in zip(ring.keys, found, strict=True) if state != "gone"] == ring.published(now)


def test_a_token_outlives_nothing_that_proves_it(directory: Path) -> None:
    ring = keyring.read(directory)
    for first_moment in (SECOND - 1.0, THIRD - 1.0):
        signer = ring.signing(first_moment)
        assert signer in ring.published(first_moment + TOKEN_SECONDS), "the last token still lives"


def test_a_key_is_published_before_it_signs(directory: Path) -> None:
    ring = keyring.read(directory)
    assert ring.keys[2] in ring.published(THIRD - keyring.LEAD_SECONDS)


def test_the_only_key_signs_even_if_a_slow_clock_has_not_reached_its_time(tmp_path: Path) -> None:
    (tmp_path / keyring.name_of(SECOND)).write_text(keyring.new_pem())
    ring = keyring.read(tmp_path)
    assert ring.state(ring.signing(SECOND - 5), SECOND - 5) is KeyState.SIGNING
    assert ring.published(SECOND - 5) == list(ring.keys)


def test_names_carry_the_moment_and_sort_by_it(directory: Path) -> None:
    assert keyring.name_of(SECOND) == "signing_key.20270115T080000Z"
    assert [key.signs_from for key in keyring.read(directory).keys] == [0, SECOND, THIRD]
    (directory / "signing_key.20260101T000000Z.bak").write_text("not a key")
    (directory / ".signing_key.123").write_text("half writ")
    (directory / "admin_password").write_text("x")
    assert len(keyring.read(directory).keys) == 3


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        (keyring.FIRST, "garbage", "signing_key: not an Ed25519 key"),
        ("signing_key.20261399T000000Z", keyring.new_pem(), "no moment in time"),
        ("something_else", keyring.new_pem(), "holds no file signing_key"),
    ],
)
def test_what_is_no_ring_is_refused_by_name(tmp_path: Path, name: str, content: str, complaint: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(KeyRingError, match=complaint):
        keyring.read(tmp_path)


def test_a_directory_that_is_not_there_is_no_ring(tmp_path: Path) -> None:
    with pytest.raises(KeyRingError, match="No such file"):
        keyring.read(tmp_path / "gone")
