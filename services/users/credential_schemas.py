"""Wire types of log-ins, tokens and API keys; fields that are not listed are refused."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from services.users.models import ApiKeyRow, Kind, Login
from services.users.schemas import Name

Secret = Annotated[str, Meta(min_length=1, max_length=256)]
KeyScope = Literal["orders:read", "orders:write", "products:write", "profile:read", "profile:write"]
"""What an API key may be for. Not `account` and not `admin`: a leaked key must not make more keys or take accounts."""


class Token(Struct):
    """An access token with its refresh token (RFC 6749, section 5.1), which is good for one use.

    Times are in seconds; `scope` is separated by spaces.
    """

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str
    refresh_token: str
    refresh_expires_in: int


class RefreshRequest(Struct, forbid_unknown_fields=True):
    """A refresh token, to be used or to be revoked."""

    refresh_token: Secret


class SessionOpened(Struct):
    """A browser session; its secret is in the cookie. `expires_in` is in seconds, for a session that is not used."""

    id: uuid.UUID
    csrf_token: str
    expires_in: int


class Session(Struct):
    """One log-in, of a browser or of a program that holds tokens. `current`: the one this request came with."""

    id: uuid.UUID
    kind: Literal["browser", "token"]
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool

    @classmethod
    def of(cls, login: Login, current: uuid.UUID | None) -> "Session":
        """The view of a stored log-in."""
        return cls(
            id=login.id,
            kind=Kind(login.kind).value,
            created_at=login.created_at,
            last_used_at=login.last_used_at,
            expires_at=login.expires_at,
            current=login.id == current,
        )


class Sessions(Struct):
    """The log-ins of a user, the last used first."""

    items: list[Session]


class NewApiKey(Struct, forbid_unknown_fields=True):
    """An API key to be made; every key expires."""

    name: Name
    scopes: Annotated[list[KeyScope], Meta(min_length=1, max_length=10)]
    expires_in_days: Annotated[int, Meta(ge=1, le=365)] = 90


class ApiKeyView(Struct):
    """An API key as its owner sees it; `prefix` is how the key begins, after `sgk_`."""

    id: uuid.UUID
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime

    @classmethod
    def of(cls, row: ApiKeyRow) -> "ApiKeyView":
        """The view of a stored key."""
        return cls(**{name: getattr(row, name) for name in cls.__struct_fields__})


class ApiKeyMade(Struct):
    """A new API key. `key` is told here and never again: only its hash is stored."""

    id: uuid.UUID
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    key: str


class ApiKeyList(Struct):
    """The API keys of a user, the newest first."""

    items: list[ApiKeyView]


class Shown(Struct, forbid_unknown_fields=True):
    """A credential that somebody showed to the gateway."""

    kind: Literal["session", "api-key"]
    secret: Secret


class Verified(Struct):
    """What stands behind a credential. `expires_at`: seconds since the epoch; for a session, if it is not used."""

    subject: str
    scopes: list[str]
    credential: str
    expires_at: int
