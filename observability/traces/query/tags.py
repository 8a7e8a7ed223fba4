"""The `tags=` parameter of a search, Tempo's older way to ask: `service.name=orders http.route="/orders"` (logfmt)."""

import re
import shlex

from observability.traces.query.candidate import WORDS, Field
from observability.traces.query.conditions import Comparison, Condition, Or
from observability.traces.query.errors import UnsupportedQueryError
from observability.traces.query.spansets import Both, Filter, Spanset
from observability.traces.query.tokens import MAX_LENGTH

_BOOLEANS = {"true": True, "false": False}


def parse_tags(text: str) -> Spanset | None:
    """Each tag is met by some span of the trace, not all by the same one; None without tags."""
    if len(text) > MAX_LENGTH:
        raise UnsupportedQueryError(f"tags are longer than {MAX_LENGTH} characters", MAX_LENGTH + 1)
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UnsupportedQueryError(f"tags {text[:60]!r} are not in logfmt: {error}") from None
    return Both(tuple(Filter(_tag(word)) for word in words)) if words else None


def _tag(word: str) -> Condition:
    key, equals, value = word.partition("=")
    if not key or not equals:
        raise UnsupportedQueryError(f"tag {word[:60]!r} is not key=value")
    if key in WORDS and value not in WORDS[key]:
        raise UnsupportedQueryError(f"tag {word[:60]!r}: {key} is one of {', '.join(WORDS[key])}")
    if key in {"name", *WORDS}:
        return Comparison(Field("intrinsic", key), "=", value)
    as_text = Comparison(Field("any", key), "=", value)
    # a tag is text, whatever type the attribute has
    if re.fullmatch(r"-?[0-9]+", value):
        return Or((as_text, Comparison(as_text.field, "=", int(value))))
    if value in _BOOLEANS:
        return Or((as_text, Comparison(as_text.field, "=", _BOOLEANS[value])))
    return as_text
