"""The route to the public keys."""

from litestar import get
from litestar.di import NamedDependency

from services.users.access import Issuer
from services.users.schemas import KeySet
from stormglass.security.keyring import MAX_AGE_SECONDS


@get("/.well-known/jwks.json", response_headers={"Cache-Control": f"public, max-age={MAX_AGE_SECONDS}"})
async def jwks(issuer: NamedDependency[Issuer]) -> KeySet:
    """The public keys that access tokens are verified with."""
    return issuer.key_set


ROUTES = [jwks]
