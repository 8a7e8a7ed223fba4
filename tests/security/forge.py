"""Access tokens made by hand, byte for byte: good ones to begin with, and every way of spoiling them."""

import base64
import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

from stormglass.security.tokens import AUDIENCE, ISSUER, TYPE, SigningKey

USER_SCOPES = ("orders:read", "orders:write", "profile:read", "profile:write", "account")
ADMIN_SCOPES = (*USER_SCOPES, "admin", "products:write")


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def text(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Forge:
    """The platform's own signing key in an attacker's hands: what it refuses is refused for the claim, not the key."""

    key: Ed25519PrivateKey
    key_id: str
    subject: str

    @classmethod
    def stolen(cls, directory: Path, token: str) -> "Forge":
        """The key that signed `token`, from among the secrets in `directory`."""
        key_id = json.loads(unb64(token.partition(".")[0]))["kid"]
        subject = json.loads(unb64(token.split(".")[1]))["sub"]
        for path in sorted(directory.rglob("*")):
            pem = path.read_bytes() if path.is_file() else b""
            if b"PRIVATE KEY" in pem and SigningKey(SecretStr(pem.decode())).key_id == key_id:
                key = load_pem_private_key(pem, password=None)
                assert isinstance(key, Ed25519PrivateKey)
                return cls(key, key_id, subject)
        raise AssertionError(f"no key {key_id} under {directory}")

    def header(self, **changes: Any) -> dict[str, Any]:
        return _changed({"alg": "EdDSA", "typ": TYPE, "kid": self.key_id}, changes)

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        good = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": self.subject,
            "client_id": "stormglass",
            "scope": " ".join(sorted(USER_SCOPES)),
            "iat": now,
            "exp": now + 600,
            "jti": uuid.uuid4().hex,
            "sid": str(uuid.uuid4()),
        }
        return _changed(good, changes)

    def sign(self, header: bytes, payload: bytes) -> str:
        """A token out of these very bytes."""
        signed = f"{b64(header)}.{b64(payload)}"
        return f"{signed}.{b64(self.key.sign(signed.encode()))}"

    def token(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A good token, but for these header members and claims; None takes one away."""
        return self.sign(text(self.header(**(header or {}))), text(self.claims(**claims)))

    def scoped(self, *scopes: str, subject: str = "") -> str:
        """A good token of somebody who holds just these scopes."""
        return self.token(scope=" ".join(scopes), sub=subject or str(uuid.uuid4()))


def _changed(good: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**good, **changes}.items() if value is not None}
