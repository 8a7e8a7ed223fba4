import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormglass.data import envelope
from stormglass.data.envelope import seal, unseal


@given(st.binary())
def test_what_is_sealed_is_what_is_unsealed(value: bytes) -> None:
    opened = unseal(seal(value))
    assert opened is not None
    assert opened[0] == value
    assert 0 <= opened[1] < 5


@given(st.binary(max_size=200))
def test_garbage_is_no_entry(garbage: bytes) -> None:
    assert unseal(garbage) is None


@given(st.binary(min_size=1, max_size=50), st.data())
def test_one_wrong_bit_is_noticed(value: bytes, data: st.DataObject) -> None:
    entry = bytearray(seal(value))
    position = data.draw(st.integers(0, len(entry) * 8 - 1))
    entry[position // 8] ^= 1 << position % 8
    assert unseal(bytes(entry)) is None


def test_what_was_cut_short_is_no_entry() -> None:
    entry = seal(b"value")
    assert all(unseal(entry[:length]) is None for length in range(len(entry)))


@pytest.mark.parametrize(("ahead", "believed"), [(-30.0, True), (10.0, True), (3600.0, False), (float("nan"), False)])
def test_a_clock_may_be_ahead_a_little(monkeypatch: pytest.MonkeyPatch, ahead: float, believed: bool) -> None:
    stored = time.time() + ahead
    entry = struct.pack(">4sId", b"sg1\n", envelope._checksum(stored, b"v"), stored) + b"v"
    opened = unseal(entry)
    assert (opened is not None) is believed
    if opened is not None:
        assert opened[1] == pytest.approx(max(0.0, -ahead), abs=5)
