"""Structured fields (RFC 8941): dictionaries and lists, parsed strictly. Parameters are checked and dropped."""

import base64
import binascii
import re
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

Bare = int | Decimal | str | bytes | bool | None
"""A bare item; a token is read as text, like a string. `None` stands for nothing: no item has it."""

Member = Bare | list[Bare]
"""A member of a dictionary or list: an item, or an inner list."""

_OWS = re.compile(r"[ \t]*")
_SP = re.compile(r" *")
_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_DECIMAL = re.compile(r"-?[0-9]{1,12}\.[0-9]{1,3}(?![0-9.])")
_INTEGER = re.compile(r"-?[0-9]{1,15}(?![0-9.])")
_STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*")
_BYTES = re.compile(r":([A-Za-z0-9+/=]*):")
_BOOLEAN = re.compile(r"\?([01])(?![0-9])")
_T = TypeVar("_T")


class Malformed(ValueError):
    """The text is not a structured field of the wanted type; by RFC 8941 the whole field is to be ignored."""


def parse_dictionary(text: str) -> dict[str, Member]:
    """The members of a dictionary; of a key that occurs twice the last value counts.

    Raises:
        Malformed: it is none.
    """
    return dict(_Reader(text).comma_separated(_Reader.entry))


def parse_list(text: str) -> list[Member]:
    """The members of a list.

    Raises:
        Malformed: it is none.
    """
    return _Reader(text).comma_separated(_Reader.member)


class _Reader:
    """Reads from left to right; `_at` is what comes next."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def comma_separated(self, read: "Callable[[_Reader], _T]") -> list[_T]:
        found: list[_T] = []
        self._take(_SP)
        while self._at < len(self._text):
            found.append(read(self))
            end = self._at
            self._take(_OWS)
            if self._at == len(self._text):
                # only spaces may trail, no tabs
                self._need(not self._text[end:].strip(" "))
                break
            self._expect(",")
            self._take(_OWS)
            self._need(self._at < len(self._text))
        return found

    def entry(self) -> tuple[str, Member]:
        key = self._must(_KEY)
        if self._next("="):
            return key, self.member()
        self._parameters()
        return key, True

    def member(self) -> Member:
        value: Member = self._inner_list() if self._next("(") else self._bare()
        self._parameters()
        return value

    def _inner_list(self) -> list[Bare]:
        found: list[Bare] = []
        self._take(_SP)
        while not self._next(")"):
            found.append(self._bare())
            self._parameters()
            spaces = self._take(_SP)
            self._need(bool(spaces) or self._text[self._at : self._at + 1] == ")")
        return found

    def _parameters(self) -> None:
        while self._next(";"):
            self._take(_SP)
            self._must(_KEY)
            if self._next("="):
                self._bare()

    def _bare(self) -> Bare:
        for pattern, convert in _KINDS:
            if found := pattern.match(self._text, self._at):
                self._at = found.end()
                return convert(found[found.lastindex or 0])
        raise self._malformed()

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found[0] if found else ""

    def _must(self, pattern: re.Pattern[str]) -> str:
        found = self._take(pattern)
        self._need(bool(found))
        return found

    def _next(self, character: str) -> bool:
        there = self._text.startswith(character, self._at)
        self._at += there
        return there

    def _expect(self, character: str) -> None:
        self._need(self._next(character))

    def _need(self, true: bool) -> None:
        if not true:
            raise self._malformed()

    def _malformed(self) -> Malformed:
        return Malformed(f"not a structured field: unexpected text at character {self._at + 1}")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise Malformed("not a structured field: a byte sequence is not Base64") from error


_KINDS: tuple[tuple[re.Pattern[str], Callable[[str], Bare]], ...] = (
    (_DECIMAL, Decimal),
    (_INTEGER, int),
    (_STRING, lambda text: re.sub(r'\\(["\\])', r"\1", text)),
    (_TOKEN, str),
    (_BYTES, _decoded),
    (_BOOLEAN, lambda text: text == "1"),
)
