"""Access tokens: JWTs as RFC 9068 profiles them, signed with EdDSA (Ed25519), verified against published keys.

The algorithm belongs to the key, never to the token's header (RFC 8725, section 3.1), and `typ` must be `at+jwt`, so
that no other kind of JWT of ours can pass as an access token (section 3.11). Times are checked with five seconds for
clocks that differ: `exp`, `nbf`, and `iat`, which must not lie in the future.
"""

import hashlib
import json
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import OKPAlgorithm
from pydantic import SecretStr

from stormglass.security import compact

ISSUER = "https://users.stormglass.local"
AUDIENCE = "https://api.stormglass.local"
TYPE = "at+jwt"
ALGORITHM = "EdDSA"
REFUSED = frozenset({"b64", "crit", "cty", "enc", "jku", "jwk", "x5c", "x5u", "zip"})
"""Header members that no token of ours has: a key that the token itself brings or points to, a token within the token,
encryption, compression, another coding, and extensions that must be understood (RFC 8725, sections 2 and 3)."""

MAX_BYTES = 4096
"""Longest token that is looked at: ours have about 500 bytes."""

TOKEN_SECONDS = 900
"""Longest life of an access token. How long revoked log-ins and withdrawn keys are remembered follows from it, so a
token that would live longer is refused."""


class InvalidToken(ValueError):
    """The token is not acceptable; `reason` is a short word for a metric's label."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a verified token says; `login_id` names the log-in it came from, whose revocation ends it."""

    subject: str
    scopes: frozenset[str]
    token_id: str
    expires_at: int
    login_id: str
    claims: Mapping[str, Any]


class SigningKey:
    """An Ed25519 private key; its id is the RFC 7638 thumbprint of the public half."""

    def __init__(self, pem: SecretStr) -> None:
        key = load_pem_private_key(pem.get_secret_value().encode(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("the signing key is not an Ed25519 key")
        self._key = key
        public = json.loads(OKPAlgorithm.to_jwk(key.public_key()))
        self.key_id = thumbprint(public)
        self.jwk: dict[str, str] = {**public, "kid": self.key_id, "alg": "EdDSA", "use": "sig"}

    def issue(
        self,
        subject: str,
        scopes: Iterable[str],
        *,
        lifetime: int,
        client_id: str = "stormglass",
        login_id: uuid.UUID | None = None,
    ) -> str:
        """A token for `subject` that is valid for `lifetime` seconds, or until its log-in (claim `sid`) is revoked."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "client_id": client_id,
            "scope": " ".join(sorted(scopes)),
            "iat": now,
            "exp": now + lifetime,
            "jti": uuid.uuid4().hex,
            **({"sid": str(login_id)} if login_id else {}),
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"kid": self.key_id, "typ": TYPE})


def thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638 thumbprint of an OKP key, base64url without padding."""
    canonical = json.dumps({name: jwk[name] for name in ("crv", "kty", "x")}, separators=(",", ":"), sort_keys=True)
    return jwt.utils.base64url_encode(hashlib.sha256(canonical.encode()).digest()).decode()


def public_keys(jwks: Mapping[str, Any]) -> dict[str, Ed25519PublicKey]:
    """The usable keys of a JWK set by key id.

    Keys of another type, use or algorithm and malformed ones are passed over (RFC 7517, section 5).
    """
    listed = jwks.get("keys")
    keys: dict[str, Ed25519PublicKey] = {}
    for jwk in listed if isinstance(listed, list) else []:
        if not isinstance(jwk, Mapping) or {"kty": "OKP", "alg": "EdDSA", "use": "sig"}.items() - jwk.items():
            continue
        try:
            key = OKPAlgorithm.from_jwk(dict(jwk))
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        if isinstance(key, Ed25519PublicKey) and jwk.get("kid"):
            keys[str(jwk["kid"])] = key
    return keys


def key_id_of(token: str) -> str:
    """The `kid` a token names, checked for form only.

    Raises:
        InvalidToken: it is too long, not a JWT, of another type, or names no key.
    """
    if len(token) > MAX_BYTES:
        raise InvalidToken("too_long", f"the token is longer than {MAX_BYTES} bytes")
    try:
        header = compact.header_of(token)
    except compact.Malformed as error:
        raise InvalidToken("malformed", "the token is not a JWT") from error
    if str(header.get("typ", "")).lower().removeprefix("application/") != TYPE:
        raise InvalidToken("wrong_type", f"the token's type is not {TYPE}")
    if header.get("alg") != ALGORITHM:
        raise InvalidToken("wrong_algorithm", "the token is signed with an algorithm that is not accepted")
    if REFUSED & header.keys():
        raise InvalidToken("refused_header", "the token brings its own key, or extensions that are not supported")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not key_id:
        raise InvalidToken("no_key_id", "the token names no key")
    return key_id


def verify(token: str, key: Ed25519PublicKey) -> AccessToken:
    """Check type, signature and claims; `InvalidToken` says what is wrong."""
    key_id_of(token)
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=5,
            options={"require": ["exp", "iat", "sub", "jti"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise InvalidToken("expired", "the token has expired") from error
    except jwt.InvalidSignatureError as error:
        raise InvalidToken("bad_signature", "the token's signature does not fit") from error
    except (jwt.InvalidAudienceError, jwt.InvalidIssuerError) as error:
        raise InvalidToken("wrong_party", "the token was issued by or for somebody else") from error
    except jwt.PyJWTError as error:
        raise InvalidToken("bad_claims", f"the token is not acceptable: {error}") from error
    except OverflowError as error:
        raise InvalidToken("bad_claims", "the token is not acceptable: a time is out of range") from error
    try:
        compact.claims_of(token)
    except compact.Malformed as error:
        raise InvalidToken("bad_claims", f"the token is not acceptable: {error}") from error
    scope = claims.get("scope", "")
    if not claims["sub"] or not isinstance(scope, str):
        raise InvalidToken("bad_claims", "the token is not acceptable: no subject, or a scope that is no text")
    if int(claims["exp"]) - int(claims["iat"]) > TOKEN_SECONDS:
        raise InvalidToken("bad_claims", f"the token is not acceptable: it lives longer than {TOKEN_SECONDS} s")
    return AccessToken(
        subject=claims["sub"],
        scopes=frozenset(scope.split()),
        token_id=str(claims["jti"]),
        expires_at=int(claims["exp"]),
        login_id=str(claims.get("sid", "")),
        claims=claims,
    )
