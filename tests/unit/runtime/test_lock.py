"""The lock of an instance: one holder, whom the others are told, and no file left."""

import os
from pathlib import Path

import pytest

from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.lock import locked


def test_a_second_taker_is_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with locked(path), pytest.raises(RuntimeFailure, match=f"process {os.getpid()}"), locked(path):
        pytest.fail("the lock was taken twice")
    assert not path.exists()


def test_it_can_be_taken_again_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with pytest.raises(ZeroDivisionError), locked(path):
        _ = 1 / 0
    with locked(path):
        assert path.read_text().strip() == str(os.getpid())
