"""The parts of a compact JWS (RFC 7515), read more strictly than the library that verifies it reads them.

Two programs that read one message differently are how a signed text comes to say something that nobody signed: a member
that occurs twice is refused, where most parsers take one of the two and do not agree on which.
"""

import binascii
import json
import re
from base64 import urlsafe_b64decode
from typing import Any

_FORM = re.compile(r"(?P<header>[A-Za-z0-9_-]+)\.(?P<claims>[A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*")


class Malformed(ValueError):
    """The text is not a compact JWS around JSON objects whose members are unique."""


def header_of(token: str) -> dict[str, Any]:
    """The header of a token, which nothing has verified. Raises `Malformed`."""
    return _part(token, "header")


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token, which this does not verify. Raises `Malformed`."""
    return _part(token, "claims")


def _part(token: str, which: str) -> dict[str, Any]:
    match = _FORM.fullmatch(token)
    if match is None:
        raise Malformed("it does not have three parts in base64url")
    text = match[which]
    try:
        read = json.loads(
            urlsafe_b64decode(text + "=" * (-len(text) % 4)), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    # thousands of nested brackets end in a RecursionError
    except (ValueError, binascii.Error, RecursionError) as error:
        raise Malformed(str(error)) from error
    if not isinstance(read, dict):
        raise Malformed("it is not a JSON object")
    return read


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("a member occurs twice")
    return members


def _no_constant(name: str) -> Any:
    raise Malformed(f"{name} is not JSON")
