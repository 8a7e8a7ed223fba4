"""Fields and literals of a query, checked against each other."""

import json
import re
from collections.abc import Mapping

from observability.traces.query.candidate import ALIASES, DURATIONS, INTRINSICS, WORDS, Field
from observability.traces.query.conditions import Comparison, Literal
from observability.traces.query.durations import parse_duration
from observability.traces.query.errors import UnsupportedQueryError
from observability.traces.query.pattern import compiled
from observability.traces.query.tokens import Token

KEYWORDS: Mapping[str, Literal] = {"true": True, "false": False, "nil": None}
_LONGEST_NS = 2**63 - 1  # SQLite's integers are signed
_OTHER_SCOPES = ("parent", "event", "link", "instrumentation")
_EQUALITY = frozenset({"=", "!="})
_MATCHING = frozenset({"=~", "!~"})


def is_literal(token: Token) -> bool:
    """Whether a token is a value rather than a field."""
    words = (*KEYWORDS, *(word for words in WORDS.values() for word in words))
    return token.kind in {"text", "number", "duration"} or (token.kind == "word" and token.text in words)


def field(token: Token) -> Field:
    """The field a token names: `resource.x`, `span.x`, `.x`, or an intrinsic."""
    intrinsic = ALIASES.get(token.text, token.text)
    if intrinsic in INTRINSICS:
        return Field("intrinsic", intrinsic)
    scope, dot, name = token.text.partition(".")
    if dot and name and scope in {"", "span", "resource"}:
        return Field(scope or "any", _quoted(name, token))
    named = re.split(r"[.:]", token.text)[0]
    why = f"the scope {named!r} is not supported" if named in _OTHER_SCOPES else "is not supported"
    fields = f"resource.x, span.x, .x or one of {', '.join(INTRINSICS)}"
    raise UnsupportedQueryError(f"field {token.text[:60]!r}: {why}; a field is {fields}", token.position)


def comparison(left: Field, symbol: Token, right: Token, name: str) -> Comparison:
    """`left symbol right`, where the three go together; `name` is the field as it was written."""
    wanted = _literal(left, right, name)
    if problem := _mismatch(left, symbol.text, wanted, right, name):
        raise UnsupportedQueryError(problem, right.position)
    if symbol.text in _MATCHING:
        compiled(str(wanted), right.position)
    return Comparison(left, symbol.text, wanted)


def _literal(left: Field, token: Token, name: str) -> Literal:
    if token.kind == "text":
        return _text(token)
    if token.kind == "duration":
        return min(parse_duration(token.text), _LONGEST_NS)
    if token.kind == "number":
        return float(token.text) if "." in token.text else int(token.text)
    if token.text in KEYWORDS:
        return KEYWORDS[token.text]
    if left.scope == "intrinsic" and token.text in WORDS.get(left.name, ()):
        return token.text
    what = "a kind or status" if is_literal(token) else "another field or an unknown word"
    raise UnsupportedQueryError(f"{name!r} cannot be compared with {token.text[:60]!r}, {what}", token.position)


def _mismatch(left: Field, symbol: str, wanted: Literal, token: Token, name: str) -> str:
    """Why the comparison makes no sense; empty if it does."""
    intrinsic = left.name if left.scope == "intrinsic" else ""
    if intrinsic in WORDS:
        if token.kind != "word" or wanted not in WORDS[intrinsic] or symbol not in _EQUALITY:
            return f"{name!r} is compared by = or != with one of {', '.join(WORDS[intrinsic])}, without quotes"
    elif intrinsic in DURATIONS:
        if token.kind != "duration" or symbol in _MATCHING:
            return f"{name!r} is compared with a duration like 100ms, not with {token.text[:60]!r}"
    elif symbol in _MATCHING and token.kind != "text":
        return f"{name!r} is matched with a regular expression in quotes, not with {token.text[:60]!r}"
    elif intrinsic and token.kind != "text":
        return f"{name!r} is compared with a text in quotes, not with {token.text[:60]!r}"
    if (wanted is None or isinstance(wanted, bool)) and symbol not in _EQUALITY:
        return f"{token.text} is compared by = or !=, not by {symbol}"
    return ""


def _quoted(name: str, token: Token) -> str:
    """An attribute's name; parts of it may be in quotes (`span."a name"`)."""
    return re.sub(r'"(?:\\.|[^"\\])*"', lambda match: _text(Token("text", match[0], token.position)), name)


def _text(token: Token) -> str:
    try:
        text = token.text[1:-1] if token.text.startswith("`") else str(json.loads(token.text, strict=False))
        text.encode()
    except ValueError:
        raise UnsupportedQueryError(
            f"{token.text[:60]} is not a text: an escape in it is not known", token.position
        ) from None
    return text
