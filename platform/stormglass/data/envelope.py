"""How a cached value is written: with the time it was stored, and a checksum that tells garbage from an entry."""

import struct
import time
import zlib

_HEADER = struct.Struct(">4sId")
_MAGIC = b"sg1\n"
_SKEW_SECONDS = 60.0
"""How far another replica's clock may be ahead; a time later than that is not believed."""


def seal(value: bytes) -> bytes:
    """The entry for `value`, stored now."""
    stored = time.time()
    return _HEADER.pack(_MAGIC, _checksum(stored, value), stored) + value


def unseal(entry: bytes) -> tuple[bytes, float] | None:
    """Value and age in seconds of an entry; None if it is not one that `seal` made."""
    if len(entry) < _HEADER.size:
        return None
    magic, checksum, stored = _HEADER.unpack_from(entry)
    value = entry[_HEADER.size :]
    if magic != _MAGIC or checksum != _checksum(stored, value):
        return None
    age = time.time() - stored
    return (value, max(0.0, age)) if age > -_SKEW_SECONDS else None


def _checksum(stored: float, value: bytes) -> int:
    return zlib.crc32(value, zlib.crc32(struct.pack(">d", stored)))
