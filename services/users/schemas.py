"""Wire types of accounts and keys; fields that are not listed are refused."""

import uuid
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

_END = r"$(?!\n)"  # Python's `$` alone admits a line break after it
# HTML's definition of a valid address (ASCII, no quoted local parts), with at least one dot in the domain
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = rf"^[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})+{_END}"
_TEXT = rf"^[^\x00-\x1f\x7f]+{_END}"  # no control characters: neither does Postgres store a NUL

Email = Annotated[str, Meta(max_length=254, pattern=_EMAIL, examples=["ada@example.org"])]
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=_TEXT, examples=["Ada"])]
NewPassword = Annotated[str, Meta(min_length=8, max_length=128)]
Password = Annotated[str, Meta(min_length=1, max_length=128)]


class Registration(Struct, forbid_unknown_fields=True):
    """A new account."""

    email: Email
    password: NewPassword
    name: Name


class Credentials(Struct, forbid_unknown_fields=True):
    """What a log-in takes."""

    email: Annotated[str, Meta(min_length=1, max_length=254, pattern=_TEXT)]
    password: Password


class Rename(Struct, forbid_unknown_fields=True):
    """What a user can change about the own account."""

    name: Name


class PasswordChange(Struct, forbid_unknown_fields=True):
    """The password as it is, as a proof, and as it shall be."""

    current_password: Password
    new_password: NewPassword


class Profile(Struct):
    """An account as its owner sees it."""

    id: uuid.UUID
    email: str
    name: str
    created_at: datetime


class Contact(Struct):
    """Where mail about a user's orders goes."""

    email: str
    name: str


class KeySet(Struct):
    """A JWK set (RFC 7517): the public halves of the keys that tokens are signed with."""

    keys: list[dict[str, str]]
