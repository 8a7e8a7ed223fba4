"""By which request fields an answer was selected, and their values in one form for one meaning (RFC 9111, 4.1)."""

import re
from collections.abc import Iterable

from services.gateway.cache.directives import Headers

_COMMA = re.compile(r"[ \t]*,[ \t,]*")


def selecting(answered: Headers, allowed: Iterable[str]) -> tuple[str, ...] | None:
    """The names (lower case, sorted) in an answer's `Vary`; None if one of them is `*` or not `allowed`."""
    text = ",".join(value.decode("latin-1") for name, value in answered if name == b"vary")
    names = {part.strip().lower() for part in text.split(",")} - {""}
    return tuple(sorted(names)) if names <= set(allowed) else None


def presented(request: Headers, allowed: Iterable[str]) -> dict[str, str]:
    """The values of the `allowed` fields that a request has, on one line each, without meaningless white space."""
    found: dict[str, str] = {}
    for name in allowed:
        values = [value.decode("latin-1") for key, value in request if key == name.encode()]
        if values:
            line = _COMMA.sub(", ", ", ".join(values).strip(" \t,"))
            # media types may have case-sensitive parameters; codings and languages have none
            found[name] = line.lower() if name in {"accept-encoding", "accept-language"} else line
    return found
