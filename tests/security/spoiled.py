"""Every way of spoiling an access token that RFC 8725 warns of, and some more: by name, as functions of a forge."""

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from tests.security.forge import Forge, b64, text, unb64

Spoil = Callable[[Forge], str]


def _unsigned(forge: Forge, algorithm: str, signature: str = "") -> str:
    return f"{b64(text(forge.header(alg=algorithm)))}.{b64(text(forge.claims()))}.{signature}"


def _public(forge: Forge, encoding: Encoding, form: PublicFormat) -> bytes:
    return forge.key.public_key().public_bytes(encoding, form)


def _symmetric(forge: Forge, secret: bytes, algorithm: str = "HS256") -> str:
    """A token whose HMAC key is something that is public: verifiers that go by the header's `alg` take it."""
    digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}[algorithm]
    signed = f"{b64(text(forge.header(alg=algorithm)))}.{b64(text(forge.claims()))}"
    return f"{signed}.{b64(hmac.new(secret, signed.encode(), digest).digest())}"


def _rsa(forge: Forge) -> str:
    key = rsa.generate_private_key(65537, 2048)
    signed = f"{b64(text(forge.header(alg='RS256')))}.{b64(text(forge.claims()))}"
    return f"{signed}.{b64(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _elliptic(forge: Forge, signature: bytes | None = None) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    signed = f"{b64(text(forge.header(alg='ES256')))}.{b64(text(forge.claims()))}"
    made = ECAlgorithm(ECAlgorithm.SHA256).sign(signed.encode(), key)
    return f"{signed}.{b64(made if signature is None else signature)}"


def _own_key(forge: Forge, header: Callable[[Ed25519PrivateKey], dict[str, Any]]) -> str:
    """Signed with the attacker's key, which the token itself brings along."""
    key = Ed25519PrivateKey.generate()
    return Forge(key, forge.key_id, forge.subject).token(header(key))


def _jwk(key: Any) -> dict[str, Any]:
    return dict(json.loads(OKPAlgorithm.to_jwk(key.public_key())))


def _twice(members: dict[str, Any], name: str, value: Any) -> bytes:
    """JSON in which `name` occurs again at the end: parsers differ on which of the two counts."""
    return text(members)[:-1] + b"," + text(name) + b":" + text(value) + b"}"


def _with_signature(forge: Forge, change: Callable[[str], str]) -> str:
    signed, _, signature = forge.token().rpartition(".")
    return f"{signed}.{change(signature)}"


def _slack(signature: str) -> str:
    """Another spelling of the same 64 bytes: the last of 86 characters carries four bits that nobody reads."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return signature[:-1] + alphabet[alphabet.index(signature[-1]) ^ 1]


def _flip(signature: str, at: int = 10) -> str:
    changed = bytearray(unb64(signature))
    changed[at] ^= 1
    return b64(bytes(changed))


def now(seconds: float) -> int:
    return int(time.time() + seconds)


def _exchanged(forge: Forge) -> str:
    header, _, signature = forge.token().split(".")
    return f"{header}.{b64(text(forge.claims(scope='admin products:write')))}.{signature}"


SPKI = PublicFormat.SubjectPublicKeyInfo
NONE = ("none", "None", "NONE", "nOnE", "none ", "", "null")
SPOILED: dict[str, Spoil] = {
    **{f"alg {name!r}": partial(_unsigned, algorithm=name) for name in NONE},
    "alg none, with a signature": lambda forge: _unsigned(forge, "none", forge.token().rpartition(".")[2]),
    "alg none in a list": lambda forge: forge.token({"alg": ["EdDSA", "none"]}),
    "alg missing": lambda forge: forge.token({"alg": None}),
    "alg a number": lambda forge: forge.token({"alg": 7}),
    "alg in lower case": lambda forge: forge.token({"alg": "eddsa"}),
    "alg HS256 over a good signature": lambda forge: forge.token({"alg": "HS256"}),
    "HS256 under the public key in PEM": lambda forge: _symmetric(forge, _public(forge, Encoding.PEM, SPKI)),
    "HS512 under the public key in PEM": lambda forge: _symmetric(forge, _public(forge, Encoding.PEM, SPKI), "HS512"),
    "HS256 under the public key in DER": lambda forge: _symmetric(forge, _public(forge, Encoding.DER, SPKI)),
    "HS256 under the raw public key": lambda forge: _symmetric(forge, _public(forge, Encoding.Raw, PublicFormat.Raw)),
    "HS256 under the published JWK": lambda forge: _symmetric(forge, text(_jwk(forge.key))),
    "HS256 under the key's x": lambda forge: _symmetric(forge, _jwk(forge.key)["x"].encode()),
    "HS256 under the key id": lambda forge: _symmetric(forge, forge.key_id.encode()),
    "HS256 under nothing": lambda forge: _symmetric(forge, b""),
    "RS256 by a stranger": _rsa,
    "ES256 by a stranger": _elliptic,
    "ES256 of zeros": lambda forge: _elliptic(forge, bytes(64)),
    "EdDSA of zeros": lambda forge: _with_signature(forge, lambda _: b64(bytes(64))),
    "Ed448": lambda forge: forge.token({"alg": "Ed448"}),
    "a stranger's Ed25519 key": lambda forge: _own_key(forge, lambda _: {}),
    "jwk": lambda forge: _own_key(forge, lambda key: {"jwk": _jwk(key)}),
    "jwk and its thumbprint": lambda forge: _own_key(forge, lambda key: {"jwk": _jwk(key), "kid": b64(b"x" * 32)}),
    "jwk over a good signature": lambda forge: forge.token({"jwk": _jwk(forge.key)}),
    "x5c": lambda forge: _own_key(forge, lambda key: {"x5c": ["MIIB"]}),
    "kid missing": lambda forge: forge.token({"kid": None}),
    "kid empty": lambda forge: forge.token({"kid": ""}),
    "kid a number": lambda forge: forge.token({"kid": 1}),
    "kid a list": lambda forge: forge.token({"kid": [forge.key_id]}),
    "kid an object": lambda forge: forge.token({"kid": {"$ne": None}}),
    "kid a path": lambda forge: forge.token({"kid": "../../../../../../dev/null"}),
    "kid a file": lambda forge: forge.token({"kid": "file:///etc/passwd"}),
    "kid SQL": lambda forge: forge.token({"kid": "' UNION SELECT 'a' --"}),
    "kid a shell command": lambda forge: forge.token({"kid": "x|sleep 10;`sleep 10`$(sleep 10)"}),
    "kid with NUL": lambda forge: forge.token({"kid": f"{forge.key_id}\0"}),
    "kid with a line break": lambda forge: forge.token({"kid": f"{forge.key_id}\r\nX-Evil: 1"}),
    "kid in another case": lambda forge: forge.token({"kid": forge.key_id.swapcase()}),
    "kid with a space": lambda forge: forge.token({"kid": f" {forge.key_id}"}),
    "kid of 2,000 letters": lambda forge: forge.token({"kid": "k" * 2000}),
    "kid a lone surrogate": lambda forge: forge.token({"kid": "\ud800"}),
    "typ missing": lambda forge: forge.token({"typ": None}),
    "typ JWT": lambda forge: forge.token({"typ": "JWT"}),
    "typ of an identity token": lambda forge: forge.token({"typ": "id+jwt"}),
    "typ a list": lambda forge: forge.token({"typ": ["at+jwt"]}),
    "aud missing": lambda forge: forge.token(aud=None),
    "aud of somebody else": lambda forge: forge.token(aud="https://elsewhere.example"),
    "aud of others": lambda forge: forge.token(aud=["https://elsewhere.example", "https://another.example"]),
    "aud empty": lambda forge: forge.token(aud=[]),
    "aud of ours and more letters": lambda forge: forge.token(aud="https://api.stormglass.local.evil.example"),
    "aud in a nested list": lambda forge: forge.token(aud=[["https://api.stormglass.local"]]),
    "aud of services inside": lambda forge: forge.token(aud="stormglass-internal"),
    "iss missing": lambda forge: forge.token(iss=None),
    "iss of somebody else": lambda forge: forge.token(iss="https://users.stormglass.local.evil.example"),
    "iss with a slash": lambda forge: forge.token(iss="https://users.stormglass.local/"),
    "iss a list": lambda forge: forge.token(iss=["https://users.stormglass.local"]),
    "exp missing": lambda forge: forge.token(exp=None),
    "expired a minute ago": lambda forge: forge.token(exp=now(-60)),
    "expired in 1970": lambda forge: forge.token(exp=0),
    "exp negative": lambda forge: forge.token(exp=-(2**62)),
    "exp a text": lambda forge: forge.token(exp="never"),
    "exp infinite": lambda forge: forge.token(exp=float("inf")),
    "exp not a number": lambda forge: forge.token(exp=float("nan")),
    "exp true": lambda forge: forge.token(exp=True),
    "exp beyond any clock": lambda forge: forge.token(exp=10**30),
    "not valid yet": lambda forge: forge.token(nbf=now(60)),
    "nbf a text": lambda forge: forge.token(nbf="yesterday"),
    "issued in the future": lambda forge: forge.token(iat=now(600)),
    "iat missing": lambda forge: forge.token(iat=None),
    "iat a text": lambda forge: forge.token(iat="now"),
    "sub missing": lambda forge: forge.token(sub=None),
    "sub empty": lambda forge: forge.token(sub=""),
    "sub a number": lambda forge: forge.token(sub=1),
    "sub an object": lambda forge: forge.token(sub={"id": forge.subject}),
    "sub a service": lambda forge: forge.token(sub="service:worker"),
    "sub the gateway": lambda forge: forge.token(sub="service:gateway", scope="admin"),
    "jti missing": lambda forge: forge.token(jti=None),
    "scope a list": lambda forge: forge.token(scope=["admin", "orders:read", "profile:read"]),
    "crit": lambda forge: forge.token({"crit": ["exp"]}),
    "crit of what it does not have": lambda forge: forge.token({"crit": ["x-unknown"], "x-unknown": 1}),
    "crit empty": lambda forge: forge.token({"crit": []}),
    "b64 false": lambda forge: forge.token({"b64": False, "crit": ["b64"]}),
    "b64 without crit": lambda forge: forge.token({"b64": False}),
    "zip": lambda forge: forge.token({"zip": "DEF"}),
    "nested": lambda forge: forge.sign(text(forge.header(cty="JWT")), forge.token().encode()),
    "cty": lambda forge: forge.token({"cty": "JWT"}),
    "claims twice: sub": lambda forge: forge.sign(
        text(forge.header()), _twice(forge.claims(), "sub", str(uuid.uuid4()))
    ),
    "claims twice: scope": lambda forge: forge.sign(text(forge.header()), _twice(forge.claims(), "scope", "admin")),
    "claims twice: the same": lambda forge: forge.sign(
        text(forge.header()), _twice(forge.claims(), "sub", forge.subject)
    ),
    "header twice: alg": lambda forge: forge.sign(
        _twice(forge.header(alg="none"), "alg", "EdDSA"), text(forge.claims())
    ),
    "header twice: kid": lambda forge: forge.sign(
        _twice(forge.header(kid="x"), "kid", forge.key_id), text(forge.claims())
    ),
    "claims a list": lambda forge: forge.sign(text(forge.header()), text([forge.claims()])),
    "claims a text": lambda forge: forge.sign(text(forge.header()), text("admin")),
    "claims no JSON": lambda forge: forge.sign(text(forge.header()), b"{"),
    "claims not UTF-8": lambda forge: forge.sign(text(forge.header()), b'{"sub":"\xff\xfe"}'),
    "claims nested deep": lambda forge: forge.sign(text(forge.header()), b"[" * 2000 + b"]" * 2000),
    "header a list": lambda forge: forge.sign(text([forge.header()]), text(forge.claims())),
    "header nested deep": lambda forge: forge.sign(b"[" * 1200 + b"]" * 1200, text(forge.claims())),
    "exp of 2,500 digits": lambda forge: forge.sign(
        text(forge.header()), text(forge.claims(exp=None))[:-1] + b',"exp":' + b"9" * 2500 + b"}"
    ),
    "longer than is looked at": lambda forge: forge.token(padding="p" * 5000),
    "signature missing": lambda forge: forge.token().rpartition(".")[0],
    "signature empty": lambda forge: _with_signature(forge, lambda _: ""),
    "signature truncated": lambda forge: _with_signature(forge, lambda signature: signature[:-4]),
    "signature too long": lambda forge: _with_signature(forge, lambda signature: signature + "AAAA"),
    "signature with padding": lambda forge: _with_signature(forge, lambda signature: signature + "=="),
    "signature spelled otherwise": lambda forge: _with_signature(forge, _slack),
    "signature in the other alphabet": lambda forge: _with_signature(
        forge, lambda signature: signature.replace("-", "+").replace("_", "/") + "+"
    ),
    "signature with one bit changed": lambda forge: _with_signature(forge, _flip),
    "signature of another token": lambda forge: _with_signature(forge, lambda _: forge.token().rpartition(".")[2]),
    "one part": lambda forge: "a",
    "four parts": lambda forge: f"{forge.token()}.e30",
    "five parts": lambda forge: f"{forge.token()}.e30.e30",
    "empty parts": lambda forge: "..",
    "the claims exchanged": _exchanged,
}
