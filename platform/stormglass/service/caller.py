"""Who is calling this service: the verified internal identity as a Litestar dependency."""

from typing import Any

from litestar import Request
from litestar.di import Provide
from pydantic import SecretStr

from stormglass import settings
from stormglass.security.identity import HEADER, Identity, InvalidIdentity, verify
from stormglass.service.problems import Problem

_CHALLENGE = {"WWW-Authenticate": "Bearer"}
"""A 401 must carry a challenge (RFC 9110, section 15.5.2); clients outside hold bearer tokens."""


def _key(request: Request[Any, Any, Any]) -> SecretStr:
    state = request.app.state
    if "identity_key" not in state:
        state["identity_key"] = settings.secret("identity_key")
    key: SecretStr = state["identity_key"]
    return key


async def caller(request: Request[Any, Any, Any]) -> Identity:
    """The identity of a request that must have one; 401 otherwise."""
    value = request.headers.get(HEADER)
    if value is None:
        raise Problem(
            401, "unauthenticated", "this needs a caller, and the request carries no identity", headers=_CHALLENGE
        )
    try:
        return verify(value, _key(request))
    except InvalidIdentity as error:
        detail = "the identity this request carries is not acceptable"
        raise Problem(401, "invalid-identity", detail, headers=_CHALLENGE) from error


async def visitor(request: Request[Any, Any, Any]) -> Identity | None:
    """The identity of a request that may come without one; 401 for one that is not acceptable."""
    return await caller(request) if HEADER in request.headers else None


def require_scope(identity: Identity, scope: str) -> None:
    """403 unless `identity` holds `scope`."""
    if scope not in identity.scopes:
        raise Problem(403, "forbidden", f"this needs the scope {scope!r}")


def require_service(identity: Identity, name: str = "") -> None:
    """403 unless a process of the platform (the one called `name`) is calling on its own behalf."""
    if not identity.is_service or (name and identity.subject != f"service:{name}"):
        raise Problem(403, "forbidden", "this is for the platform's own processes")


CALLER = {"caller": Provide(caller)}
"""`dependencies=CALLER` gives handlers a parameter `caller: Identity`."""

VISITOR = {"visitor": Provide(visitor)}
"""`dependencies=VISITOR` gives handlers a parameter `visitor: Identity | None`."""
