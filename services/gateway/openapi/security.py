"""Credentials in the document: the schemes, and which of them a route takes."""

from typing import Any

from services.gateway.route import Auth, Csrf, Route
from stormglass.security import csrf
from stormglass.security.opaque import API_KEY_HEADER, SESSION_COOKIE

SCHEMES: dict[str, Any] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token (RFC 9068): `POST /tokens` gives one out, `POST /tokens/refresh` the next.",
    },
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": API_KEY_HEADER,
        "description": "An API key: `POST /api-keys` makes one.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "A browser's session: `POST /sessions` opens one.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": csrf.HEADER,
        "description": "Goes with a session on requests that change something: `GET /sessions/current` tells it.",
    },
}

_NOT_FOR_KEYS = frozenset({"account", "admin"})
"""Scopes that no API key has: a leaked key must not make more keys or take accounts."""

_SAFE = frozenset({"GET"})


def requirements(route: Route, method: str) -> list[dict[str, list[str]]]:
    """The alternatives of which one is needed; the names are the scopes that the credential must have."""
    if route.auth is Auth.NONE:
        return []
    scopes = sorted(route.scopes)
    session = {"session": scopes}
    if method not in _SAFE and route.csrf is Csrf.TOKEN:
        session["csrf"] = []
    keys = [] if route.scopes & _NOT_FOR_KEYS else [{"apiKey": scopes}]
    nothing: list[dict[str, list[str]]] = [{}] if route.auth is Auth.OPTIONAL else []
    return [{"bearer": scopes}, *keys, session, *nothing]
