"""A stored answer: how it is packed, checked, brought up to date, and what of it a client gets."""

import zlib

import msgspec

from services.gateway.cache.directives import TARGETED
from services.gateway.cache.groups import GROUPS, INVALIDATION
from services.gateway.cache.terms import Terms
from services.gateway.exchange import Headers
from services.gateway.whole import Whole

MAX_BYTES = 256 * 1024
"""Largest answer that is stored, packed."""

INSIDE = frozenset({TARGETED, GROUPS, INVALIDATION, b"date"})
"""Header fields that are kept for the next validation; no client gets them from here."""

_PER_ANSWER = frozenset({b"age", b"cache-status"})
_NOT_UPDATED = frozenset({b"content-encoding", b"content-length", b"content-range", b"content-type"})
"""RFC 9111, section 3.2: what belongs to the content that is stored."""

_CRC_BYTES = 4


class Stored(msgspec.Struct, frozen=True, array_like=True):
    """An answer and its terms (seconds); header names are in lower case, `INSIDE` ones among them."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    terms: Terms

    def pack(self) -> bytes:
        """The bytes for the store."""
        packed = msgspec.msgpack.encode(self)
        return zlib.crc32(packed).to_bytes(_CRC_BYTES, "big") + packed

    @classmethod
    def unpack(cls, packed: bytes) -> "Stored | None":
        """What `pack()` made; None if it is anything else."""
        if zlib.crc32(packed[_CRC_BYTES:]).to_bytes(_CRC_BYTES, "big") != packed[:_CRC_BYTES]:
            return None
        try:
            return msgspec.msgpack.decode(packed[_CRC_BYTES:], type=cls)
        except msgspec.DecodeError:
            return None

    def value(self, name: bytes) -> str:
        """The first value of a header field; empty if there is none."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")

    @property
    def validators(self) -> list[tuple[str, str]]:
        """The request fields that ask the service whether this is still what it would answer."""
        pairs = (("If-None-Match", self.value(b"etag")), ("If-Modified-Since", self.value(b"last-modified")))
        return [(name, value) for name, value in pairs if value]

    def updated(self, headers: Headers) -> Headers:
        """The header fields after a 304 with `headers` (RFC 9111, section 3.2)."""
        new = [(name, value) for name, value in headers if name not in _NOT_UPDATED]
        replaced = {name for name, _ in new} | _PER_ANSWER
        return [*((name, value) for name, value in self.headers if name not in replaced), *new]

    def answer(self, age: float) -> Whole:
        """What a client gets, aged `age` seconds; who served it is still to be told."""
        kept = [(name, value) for name, value in self.headers if name not in INSIDE and name not in _PER_ANSWER]
        return Whole(self.status, [*kept, (b"age", str(int(age)).encode())], self.body)
