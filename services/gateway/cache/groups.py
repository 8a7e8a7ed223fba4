"""Cache groups (RFC 9875): which answers change together, and which of them a change has made worthless."""

import hashlib

from services.gateway.cache.directives import Headers
from services.gateway.cache.structured import Malformed, parse_list

GROUPS = b"cache-groups"
INVALIDATION = b"cache-group-invalidation"
MAX_GROUPS = 64
"""Groups that one answer can name; RFC 9875, section 2 asks for 32 at least."""


def read_groups(headers: Headers, field: bytes) -> tuple[str, ...]:
    """The groups that `field` names; none where it is malformed, as for every structured field."""
    text = ", ".join(value.decode("latin-1") for name, value in headers if name == field)
    try:
        found = parse_list(text)
    except Malformed:
        return ()
    return tuple(dict.fromkeys(each for each in found if isinstance(each, str)))[:MAX_GROUPS]


def identifier(*parts: str) -> str:
    """What stands for a resource or a group in Redis; as good as unique, and nothing of its name can be read."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def group_ids(upstream: str, target: str, headers: Headers, field: bytes) -> list[str]:
    """Identifiers of the groups that an answer names in `field`, and of the resource itself, which is one of its own.

    A service's groups are its own: no other service's answers belong to them.
    """
    named = [identifier("group", upstream, name) for name in read_groups(headers, field)]
    return [identifier("resource", upstream, target.partition("?")[0]), *named]
