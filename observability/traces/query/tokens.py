"""A query's text cut into tokens, each with its place."""

import re
from typing import NamedTuple

from observability.traces.query.durations import DURATION
from observability.traces.query.errors import IncompleteQueryError, UnsupportedQueryError

MAX_LENGTH = 2_000
"""Longest query, in characters."""

END = "end"

_TOKEN = re.compile(
    rf"""\s*(?:
    (?P<text>"(?:\\.|[^"\\])*"|`[^`]*`)
    |(?P<duration>{DURATION})(?![\w.])
    |(?P<number>-?[0-9]+(?:\.[0-9]+)?)(?![\w.])
    |(?P<word>[A-Za-z_.](?:[\w.:/-]|(?<=\.)"(?:\\.|[^"\\])*")*)
    |(?P<symbol>=~|!~|!=|>=|<=|&&|\|\||!>>|!<<|!>|!<|>>|<<|[=<>|~!(){{}}+*/%^,-])
    |(?P<other>\S)
    )""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """One token: `kind` is text, duration, number, word, symbol, or `END`. `position` counts characters from 1."""

    kind: str
    text: str
    position: int


def tokens(query: str) -> list[Token]:
    """All tokens, with one of the kind `END` behind the last."""
    if len(query) > MAX_LENGTH:
        raise UnsupportedQueryError(f"the query is longer than {MAX_LENGTH} characters", MAX_LENGTH + 1)
    found = []
    for match in _TOKEN.finditer(query):
        kind = str(match.lastgroup)
        token = Token(kind, match[kind], match.start(kind) + 1)
        if token.text in {'"', "`"}:
            raise IncompleteQueryError(f"the text that begins with {token.text} has no end", token.position)
        if kind == "other":
            raise UnsupportedQueryError(f"{token.text!r} has no meaning here", token.position)
        found.append(token)
    return [*found, Token(END, "the end", len(query.rstrip()) + 1)]
