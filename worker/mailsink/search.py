"""Mailpit's search language, the part that this sink answers, as an SQL condition.

Terms are separated by spaces and all must match; quotes keep words together; a leading `-` or `!` negates.
`to: from: cc: bcc: reply-to: addressed: subject: message-id:` match a part of the field, `is:read` and `is:unread`
the state, anything else the whole text. Letter case does not matter.
"""

import re
from dataclasses import dataclass

_TERM = re.compile(r'(?:[^\s"]|"[^"]*")+')
_NOISE = re.compile(r'[<>",;()\s]+')  # Mailpit drops these from addresses and words, so `<id@host>` finds its mail

_COLUMNS = {
    "to": ("recipients",),
    "from": ("sender",),
    "cc": ("cc",),
    "bcc": ("bcc",),
    "reply-to": ("reply_to",),
    "addressed": ("recipients", "sender", "cc", "bcc", "reply_to"),
    "subject": ("subject",),
    "message-id": ("message_id",),
}
_STATES = {"is:read": "is_read = 1", "is:unread": "is_read = 0"}
# Mailpit knows these too. Taking them for free text would answer a different question than the one asked.
_UNSUPPORTED = ("tag:", "before:", "after:", "has:", "larger:", "smaller:", "is:")


class UnsupportedFilterError(ValueError):
    """The query uses a filter that Mailpit has and this sink has not."""


@dataclass(frozen=True, slots=True)
class Condition:
    """An SQL condition over the table `mail`, with its parameters in order."""

    sql: str
    parameters: tuple[str, ...] = ()


EVERYTHING = Condition("1")


def parse_query(query: str) -> Condition:
    """Translate a query; an empty one matches every mail. Raises UnsupportedFilterError."""
    conditions = [_parse_term(term.replace('"', "")) for term in _TERM.findall(query)]
    conditions = [condition for condition in conditions if condition is not EVERYTHING]
    if not conditions:
        return EVERYTHING
    return Condition(
        " AND ".join(condition.sql for condition in conditions),
        tuple(parameter for condition in conditions for parameter in condition.parameters),
    )


def _parse_term(term: str) -> Condition:
    negated = len(term) > 1 and term[0] in "-!"
    term = term[1:] if negated else term
    condition = _positive(term)
    if negated and condition is not EVERYTHING:
        return Condition(f"NOT ({condition.sql})", condition.parameters)
    return condition


def _positive(term: str) -> Condition:
    lowered = term.lower()
    if state := _STATES.get(lowered):
        return Condition(state)
    prefix, _, value = lowered.partition(":")
    if columns := _COLUMNS.get(prefix) if value else None:
        return _contains(columns, value)
    if lowered.startswith(_UNSUPPORTED):
        known = ", ".join([*(f"{name}:" for name in _COLUMNS), *_STATES])
        raise UnsupportedFilterError(f"the filter '{prefix}:' is not supported here; use free text or {known}")
    return _contains(("search_text",), lowered)


def _contains(columns: tuple[str, ...], value: str) -> Condition:
    wanted = _NOISE.sub(" ", value).strip()
    if not wanted:
        return EVERYTHING
    pattern = "%" + re.sub(r"([\\%_])", r"\\\1", wanted) + "%"
    sql = " OR ".join(rf"{column} LIKE ? ESCAPE '\'" for column in columns)
    return Condition(f"({sql})", (pattern,) * len(columns))


def searchable(text: str) -> str:
    """Bring stored text into the form that free-text terms are compared with."""
    return _NOISE.sub(" ", text).strip().lower()
