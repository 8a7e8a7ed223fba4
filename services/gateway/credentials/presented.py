"""What a request shows to say who is calling: at most one credential, of one of three kinds."""

import re
from dataclasses import dataclass
from enum import StrEnum

from services.gateway.exchange import Exchange
from stormglass.security.opaque import API_KEY_HEADER, SESSION_COOKIE
from stormglass.service import Problem
from stormglass.telemetry import names

REALM = 'Bearer realm="stormglass"'
_API_KEY = API_KEY_HEADER.lower().encode()
_COOKIE = SESSION_COOKIE.encode() + b"="


class Kind(StrEnum):
    """How a caller can show who it is."""

    BEARER = "bearer"  # Authorization: an access token
    SESSION = "session"  # the cookie of a browser session
    API_KEY = "api-key"  # X-API-Key


@dataclass(frozen=True, slots=True)
class Presented:
    """A credential as it was sent, with only white space removed."""

    kind: Kind
    text: str


class Refused(Problem):
    """A credential that is not good: whoever sends such ones is limited by address."""


def refused(
    reason: str, kind: str, detail: str, challenge: str = f'{REALM}, error="invalid_token"', status: int = 401
) -> Refused:
    """A refusal that is counted; `challenge` as RFC 6750, section 3 wants it."""
    names.AUTH_FAILURES.counter().labels(reason).inc()
    return Refused(status, kind, detail, headers={"WWW-Authenticate": challenge})


def presented(exchange: Exchange) -> Presented | None:
    """The credential of a request, if it shows one.

    Raises:
        Refused: 400 where it shows several, of one kind or of several: which of them counts, would be a guess.
    """
    found = [
        *(Presented(Kind.BEARER, _text(value)) for value in exchange.values(b"authorization")),
        *(Presented(Kind.API_KEY, _text(value)) for value in exchange.values(_API_KEY)),
        *(Presented(Kind.SESSION, _text(value)) for value in _session_cookies(exchange)),
    ]
    if len(found) > 1:
        detail = "more than one credential: send a bearer token, an API key or a session cookie"
        raise refused("ambiguous", "bad-request", detail, f'{REALM}, error="invalid_request"', 400)
    return found[0] if found else None


def quotable(text: str) -> str:
    """`text` with only the characters that RFC 6750 allows in a description."""
    return re.sub(r"[^\x20\x21\x23-\x5b\x5d-\x7e]", "'", text)


def _session_cookies(exchange: Exchange) -> list[bytes]:
    pairs = (pair.strip() for value in exchange.values(b"cookie") for pair in value.split(b";"))
    return [pair.removeprefix(_COOKIE) for pair in pairs if pair.startswith(_COOKIE)]


def _text(value: bytes) -> str:
    return value.strip().decode("utf-8", "replace")
