"""Structured fields (RFC 9651): dictionaries and lists, as text in and plain values out. Parameters are dropped."""

from typing import cast

import http_sf

Member = object
"""A member of a dictionary or list: an item as the library reads it, a token as text, or a list of them."""


class Malformed(ValueError):
    """The text is not a structured field of the wanted type; by RFC 9651 the whole field is to be ignored."""


def parse_dictionary(text: str) -> dict[str, Member]:
    """The members of a dictionary; of a key that occurs twice the last value counts.

    Raises:
        Malformed: it is none.
    """
    return {key: _plain(member) for key, member in cast("http_sf.DictionaryType", _parse(text, "dictionary")).items()}


def parse_list(text: str) -> list[Member]:
    """The members of a list.

    Raises:
        Malformed: it is none.
    """
    return [_plain(member) for member in cast("http_sf.ListType", _parse(text, "list"))]


def _parse(text: str, kind: str) -> http_sf.StructuredType:
    try:
        return http_sf.parse(text.encode(), tltype=kind)
    except ValueError as error:
        raise Malformed(f"not a structured field: {error}") from error


def _plain(member: object) -> Member:
    value = member[0] if isinstance(member, tuple) else member
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, http_sf.Token) else value
