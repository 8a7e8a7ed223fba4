"""The users service follows the files without a restart, and survives what is wrong with them."""

import time
from pathlib import Path

import pytest

from services.users.signing import SigningKeys
from stormglass.security import keyring
from stormglass.security.tokens import TOKEN_SECONDS
from stormglass.settings import SettingsError


def _add(directory: Path, name: str = keyring.FIRST) -> str:
    (directory / name).write_text(keyring.new_pem())
    return {key.path.name: key.key.key_id for key in keyring.read(directory).keys}[name]


def _ids(keys: SigningKeys) -> list[str]:
    return [key.key_id for key in keys.published]


def test_a_new_file_is_published_at_the_next_look_and_signs_at_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _add(tmp_path)
    keys = SigningKeys(tmp_path)
    begin = int(time.time()) + 60
    second = _add(tmp_path, keyring.name_of(begin))
    assert _ids(keys) == [first]
    keys.look()
    assert _ids(keys) == [first, second]
    assert keys.current.key_id == first
    for moment, signer, published in (
        (begin - 0.1, first, [first, second]),
        (begin, second, [first, second]),
        (begin + TOKEN_SECONDS + keyring.SKEW_SECONDS, second, [second]),
    ):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        assert (keys.current.key_id, _ids(keys)) == (signer, published)


def test_a_removed_file_is_withdrawn_at_the_next_look(tmp_path: Path) -> None:
    _add(tmp_path)
    second = _add(tmp_path, keyring.name_of(int(time.time()) - 1))
    keys = SigningKeys(tmp_path)
    (tmp_path / keyring.FIRST).unlink()
    keys.look()
    assert _ids(keys) == [second]


def test_a_ring_that_cannot_be_read_leaves_the_last_good_one_until_it_can(tmp_path: Path) -> None:
    first = _add(tmp_path)
    keys = SigningKeys(tmp_path)
    spoiled = tmp_path / keyring.name_of(int(time.time()) - 1)
    spoiled.write_text("garbage")
    keys.look()
    assert _ids(keys) == [first]
    assert keys.current.key_id == first
    (tmp_path / keyring.FIRST).rename(tmp_path / "elsewhere")
    spoiled.rename(tmp_path / "spoiled")
    keys.look()
    assert _ids(keys) == [first], "no key at all must not end log-ins"
    second = _add(tmp_path, spoiled.name)
    keys.look()
    assert _ids(keys) == [second]


def test_a_service_without_any_key_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"signing keys: .* holds no file signing_key"):
        SigningKeys(tmp_path)
