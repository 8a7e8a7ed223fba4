"""Regular expressions that anybody may send: RE2, as in Tempo, whose time is linear in the text it reads."""

from typing import Any

import re2

from observability.traces.query.errors import UnsupportedQueryError

MAX_LENGTH = 500
"""Longest pattern, in characters."""

_MAX_MEMORY = 1 << 20
"""Bytes a compiled pattern may take; RE2 refuses the ones whose repetitions would need more."""


def compiled(pattern: str, position: int | None = None) -> Any:
    """The pattern, ready for `fullmatch`; `UnsupportedQueryError` where RE2 does not take it."""
    if len(pattern) > MAX_LENGTH:
        raise UnsupportedQueryError(f"the regular expression is longer than {MAX_LENGTH} characters", position)
    options = re2.Options()
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0].decode(errors="replace")
        raise UnsupportedQueryError(f"regular expression {pattern[:60]!r}: {why} (RE2 syntax)", position) from None
