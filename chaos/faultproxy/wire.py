"""Answers of the API: JSON as Go writes it, and errors under Toxiproxy's unusual headers."""

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

JSON_TYPE: Final = "application/json"
TEXT_TYPE: Final = "text/plain; charset=utf-8"

# Go escapes what could end a script element or a JavaScript string.
_ESCAPES: Final = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and the headers beyond what HTTP itself needs."""

    status: int
    body: str = ""
    content_type: str | None = None
    headers: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType({}))


class ApiError(Exception):
    """A request that is answered with an error object."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def encode(value: Any) -> str:
    """Compact JSON without a trailing newline."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).translate(_ESCAPES)


def json_answer(value: Any, status: int = 200) -> Answer:
    """A success: `application/json`."""
    return Answer(status, encode(value), JSON_TYPE)


def text_answer(status: int, body: str) -> Answer:
    """Plain text as Go's `http.Error` sends it: newline at the end, sniffing forbidden."""
    return Answer(status, body + "\n", TEXT_TYPE, MappingProxyType({"X-Content-Type-Options": "nosniff"}))


def error_answer(error: ApiError) -> Answer:
    """An error object, which goes out as plain text."""
    return text_answer(error.status, encode({"error": error.text, "status": error.status}))
