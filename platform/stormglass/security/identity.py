"""The identity a request carries inside the platform: signed by the gateway (or a worker), verified by every service.

A compact JWS (HS256) under a key that only the platform's own processes hold, in the header `X-Stormglass-Identity`.
The gateway removes whatever a client sends under that name. HS256 because issuer and audience are the same party and
it is the cheapest to verify; the key never leaves the platform.
"""

import time
from dataclasses import dataclass, field

import jwt
from pydantic import SecretStr

HEADER = "X-Stormglass-Identity"
LIFETIME_SECONDS = 60
"""Long enough for the slowest request and some clock skew, short enough to make a leaked header worthless."""

_AUDIENCE = "stormglass-internal"
_ALGORITHM = "HS256"


class InvalidIdentity(ValueError):
    """The header is missing, forged, expired or malformed."""


@dataclass(frozen=True, slots=True)
class Identity:
    """On whose behalf a request runs. `subject` is a user's id, or `service:<name>` for the platform itself.

    `credential` names what the caller showed, as `stormglass.security.revocation` names it; empty where it was nothing
    that can be revoked.
    """

    subject: str
    scopes: frozenset[str] = field(default_factory=frozenset)
    issuer: str = "gateway"
    credential: str = ""

    @property
    def is_service(self) -> bool:
        """Whether a process of the platform is calling on its own behalf."""
        return self.subject.startswith("service:")


def sign(identity: Identity, key: SecretStr) -> str:
    """The header's value for `identity`."""
    claims = {
        "sub": identity.subject,
        "scope": " ".join(sorted(identity.scopes)),
        "iss": identity.issuer,
        "aud": _AUDIENCE,
        "exp": int(time.time()) + LIFETIME_SECONDS,
        "cred": identity.credential,
    }
    return jwt.encode(claims, key.get_secret_value(), algorithm=_ALGORITHM)


def verify(value: str, key: SecretStr) -> Identity:
    """The identity in a header's value; `InvalidIdentity` if it is not one of ours or too old."""
    try:
        claims = jwt.decode(
            value,
            key.get_secret_value(),
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            options={"require": ["exp", "sub", "iss"]},
            leeway=5,
        )
    except jwt.PyJWTError as error:
        raise InvalidIdentity(str(error)) from error
    return Identity(
        subject=str(claims["sub"]),
        scopes=frozenset(str(claims.get("scope", "")).split()),
        issuer=str(claims["iss"]),
        credential=str(claims.get("cred", "")),
    )
