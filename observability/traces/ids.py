"""Trace ids as text: hexadecimal, as Tempo writes them."""

import re

_HEX = re.compile(r"[0-9a-fA-F]{1,32}")


class InvalidTraceIdError(ValueError):
    """The text is not a trace id; the message says what one looks like."""


def parse_trace_id(text: str) -> bytes:
    """The 16 bytes of a trace id. A short one is padded with zeros on the left, as Tempo does with 64-bit ids."""
    if not _HEX.fullmatch(text) or not int(text, 16):
        raise InvalidTraceIdError(f"{text[:64]!r} is not a trace id: 1 to 32 hexadecimal digits, not all zero")
    return bytes.fromhex(text.zfill(32))
