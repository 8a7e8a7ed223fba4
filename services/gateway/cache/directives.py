"""Cache directives: `Cache-Control` (RFC 9111, section 5.2) and our targeted field (RFC 9213), read into one form."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.gateway.cache.structured import Malformed, parse_dictionary

TARGETED = b"stormglass-cache-control"
"""The field by which our services speak to this cache only. It never leaves the gateway."""

LONGEST = 2**31
"""Seconds that a larger number stands for (RFC 9111, section 1.2.2)."""

_ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')
_INVALID = -1

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Directives:
    """Directives by name (lower case); the value is a number of seconds where there is one that can be read."""

    members: Mapping[str, int | None]

    def __contains__(self, name: str) -> bool:
        return name in self.members

    def seconds(self, name: str) -> int | None:
        """The argument of a directive; None where it is absent, 0 where it cannot be read: then the answer is stale."""
        if name not in self.members:
            return None
        return max(0, self.members[name] or 0)


def of_answer(headers: Headers) -> Directives:
    """The directives that this cache obeys: the targeted field's if there is a sound one, else `Cache-Control`'s."""
    return targeted(headers) or cache_control(headers)


def cache_control(headers: Headers) -> Directives:
    """The directives of `Cache-Control`. Field names are in lower case."""
    members: dict[str, int | None] = {}
    for element in _ELEMENT.findall(", ".join(_values(headers, b"cache-control"))):
        name, given, argument = element.partition("=")
        key = name.strip().lower()
        if not key:
            continue
        value = _number(argument) if given else None
        # said twice and differently: what cannot be relied on counts as unreadable
        members[key] = value if members.get(key, value) == value else _INVALID
    return Directives(members)


def targeted(headers: Headers) -> Directives | None:
    """The directives of the targeted field; None where there is none, or none that can be parsed, or an empty one."""
    values = _values(headers, TARGETED)
    if not values:
        return None
    try:
        parsed = parse_dictionary(", ".join(values))
    except Malformed:
        return None
    members: dict[str, int | None] = {}
    for name, value in parsed.items():
        if value is True:
            members[name] = None
        elif isinstance(value, int) and not isinstance(value, bool):
            members[name] = min(value, LONGEST) if value >= 0 else _INVALID
        # an argument of any other type makes the directive an unknown one (RFC 9213, section 2.1)
    return Directives(members) if parsed else None


def _values(headers: Headers, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in headers if name == wanted]


def _number(argument: str) -> int:
    text = argument.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if not (text.isascii() and text.isdigit()):
        return _INVALID
    return LONGEST if len(text) > 10 else min(int(text), LONGEST)
