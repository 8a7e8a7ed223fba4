"""Wire types of the users service; fields that are not listed are refused."""

import uuid
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

_END = r"$(?!\n)"  # Python's `$` alone admits a line break after it
# HTML's definition of a valid address (ASCII, no quoted local parts), with at least one dot in the domain
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = rf"^[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})+{_END}"

Email = Annotated[str, Meta(max_length=254, pattern=_EMAIL, examples=["ada@example.org"])]
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=rf"^[^\x00-\x1f\x7f]+{_END}", examples=["Ada"])]
NewPassword = Annotated[str, Meta(min_length=8, max_length=128)]
Password = Annotated[str, Meta(min_length=1, max_length=128)]


class Registration(Struct, forbid_unknown_fields=True):
    """A new account."""

    email: Email
    password: NewPassword
    name: Name


class Credentials(Struct, forbid_unknown_fields=True):
    """What a log-in takes."""

    email: Annotated[str, Meta(min_length=1, max_length=254)]
    password: Password


class Rename(Struct, forbid_unknown_fields=True):
    """What a user can change about the own account."""

    name: Name


class Profile(Struct):
    """An account as its owner sees it."""

    id: uuid.UUID
    email: str
    name: str
    created_at: datetime


class Token(Struct):
    """An access token (RFC 6749, section 5.1); `expires_in` is in seconds, `scope` separated by spaces."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class Contact(Struct):
    """Where mail about a user's orders goes."""

    email: str
    name: str


class KeySet(Struct):
    """A JWK set (RFC 7517): the public halves of the keys that tokens are signed with."""

    keys: list[dict[str, str]]
