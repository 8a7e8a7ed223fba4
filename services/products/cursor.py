"""Where a page of the listing ended: the sort key (name, id) of its last product, as opaque text."""

import base64
import uuid
from typing import NamedTuple

import msgspec

from stormglass.service import Problem

MAX_LENGTH = 1024
"""Longest text that is looked at: a name has at most 120 characters of up to four bytes."""


class Cursor(NamedTuple):
    """The sort key after which a page begins."""

    name: str
    id: uuid.UUID


def write(cursor: Cursor) -> str:
    """`cursor` as text for a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode()


def read(text: str) -> Cursor:
    """The cursor behind `text`; 400 if it is none of ours."""
    try:
        cursor = msgspec.json.decode(base64.urlsafe_b64decode(text), type=Cursor)
    except (ValueError, msgspec.MsgspecError):  # binascii's error is a ValueError
        cursor = None
    if cursor is None or "\x00" in cursor.name:
        raise Problem(400, "invalid-cursor", "'after' takes the 'next' of the page before, as it was given")
    return cursor
